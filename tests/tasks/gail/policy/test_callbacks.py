"""Stable-Baselines3's own callbacks find what they read, or are refused before anything runs."""

from dataclasses import replace

import pytest
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CallbackList,
    CheckpointCallback,
    ConvertCallback,
    EvalCallback,
    EveryNTimesteps,
    LogEveryNTimesteps,
    ProgressBarCallback,
    StopTrainingOnMaxEpisodes,
    StopTrainingOnNoModelImprovement,
    StopTrainingOnRewardThreshold,
)
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

from minimax_l2l import Adam
from tasks.gail import GAIL, PolicySettings, record
from tasks.gail.experts.scripted import balance

SMALL = PolicySettings(environments=4, steps=32, critic_batch=64, critic_epochs=1, hidden=(4,))
EXPERT = record(balance, "CartPole-v1", 1, seed=0)


def task(callback, *, normalise=True, iterations=2):
    policy = replace(SMALL, normalise=normalise)
    return GAIL(
        "CartPole-v1",
        EXPERT,
        reward="survival",
        iterations=iterations,
        policy=policy,
        hidden=(4,),
        callback=callback,
    )


def evaluated(*, wrapped=True, name="CartPole-v1", **options):
    environments = make_vec_env(name, seed=1)
    apart = VecNormalize(environments, training=False, norm_reward=False) if wrapped else environments
    return EvalCallback(apart, eval_freq=20, n_eval_episodes=1, verbose=0, **options)


class Reading(BaseCallback):
    """Reads what `learn` and `collect_rollouts` tell."""

    def _on_step(self):
        assert self.locals["self"] is self.model
        assert {"total_timesteps", "tb_log_name", "infos", "dones", "rewards", "new_obs"} <= self.locals.keys()
        assert self.training_env is self.model.get_env()
        self.logger.record("mine/steps", self.num_timesteps)
        return True


WORKING = {
    "a progress bar": ProgressBarCallback,
    "checkpoints": lambda: CheckpointCallback(20, "kept", save_vecnormalize=True, save_replay_buffer=True),
    "evaluations": lambda: evaluated(best_model_save_path="best", log_path="log"),
    "a threshold on the best": lambda: evaluated(callback_on_new_best=StopTrainingOnRewardThreshold(9999)),
    "no improvement": lambda: evaluated(callback_after_eval=StopTrainingOnNoModelImprovement(50)),
    "a list after evaluations": lambda: evaluated(
        callback_after_eval=CallbackList(
            [StopTrainingOnRewardThreshold(9999), StopTrainingOnNoModelImprovement(50)]
        )
    ),
    "a number of episodes": lambda: StopTrainingOnMaxEpisodes(999),
    "every so many steps": lambda: EveryNTimesteps(50, CheckpointCallback(1, "kept")),
    "a log": lambda: LogEveryNTimesteps(50),
    "a function": lambda: ConvertCallback(lambda known, _: known["total_timesteps"] == 256),
    "its own": Reading,
    "several": lambda: CallbackList([LogEveryNTimesteps(50), evaluated(), Reading()]),
}


@pytest.mark.filterwarnings("ignore:rich is experimental")  # Stable-Baselines3 ignores it where it imports the bar
@pytest.mark.parametrize("name", WORKING)
def test_it_finds_what_it_reads(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name == "a progress bar":
        pytest.importorskip("tqdm")
    assert task(WORKING[name]()).solve(Adam(), device="cpu").steps == 2
    if name == "checkpoints":
        assert {file.suffix for file in (tmp_path / "kept").iterdir()} == {".zip", ".pkl"}
    if name == "evaluations":
        assert (tmp_path / "best" / "best_model.zip").exists()
        assert (tmp_path / "log" / "evaluations.npz").exists()


REFUSED = {
    "a threshold alone": (
        lambda: StopTrainingOnRewardThreshold(5),
        "is called by none; hand it to one, EvalCallback",
    ),
    "no improvement alone": (lambda: StopTrainingOnNoModelImprovement(5), "is called by none"),
    "one of a list": (lambda: CallbackList([Reading(), StopTrainingOnRewardThreshold(5)]), "is called by none"),
    "by another": (lambda: EveryNTimesteps(9, StopTrainingOnRewardThreshold(5)), "is called by EveryNTimesteps"),
    "raw evaluations": (lambda: evaluated(wrapped=False), r"wrap its own in VecNormalize\(..., training=False"),
    "raw in a list": (lambda: CallbackList([evaluated(wrapped=False)]), "wrap its own in VecNormalize"),
    "another environment": (
        lambda: evaluated(name="Pendulum-v1"),
        "whose observation_space is Box.*evaluate in that",
    ),
    "other actions": (lambda: evaluated(name="Acrobot-v1"), "evaluate in that"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_not_work_is_refused_at_the_start(name):
    made, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=f"^callback: .*{sentence}"):
        task(made())


def test_raw_policies_are_evaluated_raw():
    assert task(evaluated(wrapped=False), normalise=False).solve(Adam(), device="cpu").steps == 2
    with pytest.raises(ValueError, match="and in nothing with normalise=False"):
        task(evaluated(), normalise=False)


@pytest.mark.parametrize("given", [3, "EvalCallback", Reading, lambda *_: True, [Reading()]])
def test_something_else_is_no_callback(given):
    with pytest.raises(
        TypeError, match=r"callback must be a BaseCallback .*, got .*EvalCallback\(...\), or CallbackList"
    ):
        task(given)


class Telling(BaseCallback):
    def __init__(self):
        super().__init__()
        self.told = []

    def _on_training_start(self):
        self.told.append(("start", self.num_timesteps))

    def _on_step(self):
        return True

    def _on_training_end(self):
        self.told.append(("end", self.model.num_timesteps))


def test_start_and_end_are_told_once_where_a_run_begins_goes_on_and_ends(tmp_path):
    first, again, whole = Telling(), Telling(), Telling()
    task(whole, iterations=3).solve(Adam(), device="cpu")
    task(first, iterations=3).solve(Adam(), device="cpu", out=tmp_path / "run", steps=1)
    task(again, iterations=3).solve(Adam(), device="cpu", out=tmp_path / "run", resume=True)
    assert whole.told == [("start", 0), ("end", 384)]
    assert first.told[0] == ("start", 0)
    assert first.told[1][0] == "end"
    assert again.told == [("start", 128), ("end", 384)]


class NotBegun(BaseCallback):
    def __init__(self):
        pass

    def _on_step(self):
        return True


@pytest.mark.parametrize(
    "within", [lambda one: one, lambda one: CallbackList([one]), lambda one: EveryNTimesteps(8, one)]
)
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (NotBegun, r"callback: NotBegun was not begun; call super\(\).__init__\(\) in its __init__"),
        (
            lambda: ConvertCallback(lambda: True),
            r"callback is called as <lambda>\(locals, globals\), which it cannot be",
        ),
    ],
)
def test_one_that_could_not_be_called_is_refused_at_the_start(within, make, sentence):
    with pytest.raises(TypeError, match=sentence):
        task(within(make())).solve(Adam(lr=0.01), device="cpu")
