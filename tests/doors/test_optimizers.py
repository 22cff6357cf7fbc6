"""Inner optimizers, updaters, features and what is kept beside theta: every argument of every constructor."""

import numpy as np
import torch
from doors import wrong
from doors.door import Door, knocking_at
from hypothesis import strategies as st

import minimax_l2l as m

POSITIVE = wrong.not_a_number(lambda number: number > 0)
FRACTION = wrong.not_a_number(lambda number: 0 <= number <= 1)
BELOW_ONE = wrong.not_a_number(lambda number: 0 <= number < 1)
NOT_NEGATIVE = wrong.not_a_number(lambda number: number >= 0)
FLAG, ANY_COUNT, COUNT = wrong.not_a_flag(), wrong.not_a_count(), wrong.not_a_count(1)
BETAS = st.sampled_from([None, 0.9, "ab", (0.9,), (0.9, 1.0), (1.1, 0.9), ("a", "b"), (0.9, 0.9, 0.9), {0.9, 0.8}])
SHAPES = st.sampled_from(
    [None, 3, "ab", (), ((4,),), ((4, 3, 2),), ((4, 0),), ((4, 3.0),), (4, 3), [None], {(4, 3)}]
)
IMAGE = st.sampled_from(
    [None, "x", np.ones((1, 8, 8)), torch.ones(8, 8), torch.ones(1, 1, 8, 8), 3, [torch.ones(8, 8)]]
)
STEP_SIZES = st.sampled_from(
    [None, 0.1, "ab", (), {0.1, 0.2}, (0.1, 0.0), (-1.0, 0.1), ("a", "b"), (0.1, float("nan")), [None], (True, 0.1)]
)
ASCENT = {"steps": ANY_COUNT, "step_size": POSITIVE, "random_start": FRACTION}
right = {"steps": 2, "step_size": 0.1}

DOORS = [
    *[
        Door(kind.__name__, kind, lambda: right, ASCENT)
        for kind in (
            m.GradientAscent,
            m.AlternatingAscent,
            m.ExtraGradient,
            m.OptimisticAscent,
            m.PastExtraGradient,
            m.AnchoredExtraGradient,
        )
    ],
    Door(
        "TwoTimeScales",
        m.TwoTimeScales,
        lambda: {"steps": 2},
        {"steps": ANY_COUNT, "step_sizes": STEP_SIZES, "random_start": FRACTION},
    ),
    Door("ConsensusOptimization", m.ConsensusOptimization, lambda: right, {**ASCENT, "gamma": NOT_NEGATIVE}),
    Door("SymplecticAdjustment", m.SymplecticAdjustment, lambda: right, {**ASCENT, "align": FLAG}),
    Door(
        "CompetitiveGradient",
        m.CompetitiveGradient,
        lambda: right,
        {**ASCENT, "tolerance": POSITIVE, "rounds": COUNT},
    ),
    Door("AndersonMixing", m.AndersonMixing, lambda: right, {**ASCENT, "memory": COUNT}),
    Door(
        "Safeguarded",
        m.Safeguarded,
        lambda: {"base": m.GradientAscent(steps=2)},
        {
            "base": wrong.not_a(m.InnerOptimizer),
            "steps": wrong.given(ANY_COUNT),
            "step_size": POSITIVE,
            "window": COUNT,
            "share": FRACTION,
            "random_start": FRACTION,
        },
    ),
    Door(
        "Lookahead",
        m.Lookahead,
        lambda: {"base": m.GradientAscent(steps=2)},
        {
            "base": wrong.not_a(m.InnerOptimizer),
            "steps": wrong.given(ANY_COUNT),
            "period": COUNT,
            "share": FRACTION,
            "random_start": FRACTION,
        },
    ),
    Door("KBeam", m.KBeam, lambda: right, {**ASCENT, "beams": COUNT, "spread": NOT_NEGATIVE}),
    Door("PGM", m.PGM, lambda: right, {**ASCENT, "restarts": COUNT, "momentum": FRACTION}),
    Door("FGSM", m.FGSM, lambda: {"step_size": 0.1}, {"step_size": POSITIVE, "random_start": FRACTION}),
    Door("Adam", m.Adam, dict, {"lr": POSITIVE, "steps": ANY_COUNT, "betas": BETAS, "random_start": FRACTION}),
    Door("LBFGS", m.LBFGS, lambda: right, {**ASCENT, "memory": COUNT, "backtracks": ANY_COUNT}),
    Door(
        "LearnedOptimizer",
        m.LearnedOptimizer,
        lambda: {"updater": m.MLPUpdater()},
        {
            **ASCENT,
            "updater": wrong.not_a(m.Updater),
            "features": wrong.given(wrong.not_a(m.Features)),
            "detach_iterates": FLAG,
            "truncate": wrong.given(COUNT),
            "second_order": FLAG,
            "guided": wrong.given(FLAG),
            "relative": FLAG,
            "lazy": FLAG,
            "max_relative_step": wrong.given(POSITIVE),
            "learning_rate": POSITIVE,
            "weight_decay": NOT_NEGATIVE,
            "clip_norm": wrong.given(POSITIVE),
        },
    ),
    Door("MLPUpdater", m.MLPUpdater, dict, {"inputs": COUNT, "hidden": wrong.not_widths(), "fan_in_scaling": FLAG}),
    Door(
        "DenseMLPUpdater",
        m.DenseMLPUpdater,
        lambda: {"size": 2},
        {"size": COUNT, "inputs": COUNT, "zero_head": FLAG, "fan_in_scaling": FLAG, "streaming": FLAG},
    ),
    Door(
        "LowRankUpdater",
        m.LowRankUpdater,
        lambda: {"size": 2},
        {"size": COUNT, "rank": COUNT, "inputs": COUNT, "fan_in_scaling": FLAG},
    ),
    Door(
        "RowUpdater",
        m.RowUpdater,
        lambda: {"shapes": ((2, 3), (1, 2))},
        {"shapes": SHAPES, "inputs": COUNT, "fan_in_scaling": FLAG},
        told_as={"shapes": "shape"},
    ),
    Door("RNNUpdater", m.RNNUpdater, dict, {"inputs": COUNT, "hidden": COUNT, "gain": NOT_NEGATIVE}),
    Door(
        "CNNUpdater",
        m.CNNUpdater,
        lambda: {"architecture": "light", "width": 1},
        {
            "architecture": wrong.not_one_of("light", "published", "slim", "wide"),
            "channels": COUNT,
            "inputs": COUNT,
            "width": COUNT,
            "gain": NOT_NEGATIVE,
        },
    ),
    Door(
        "CNNUpdater.matched",
        m.CNNUpdater.matched,
        lambda: {"classifier": torch.nn.Conv2d(1, 3, 3), "image": torch.ones(1, 8, 8)},
        {
            "classifier": wrong.not_a(torch.nn.Module),
            "image": IMAGE,
            "share": FRACTION,
            "inputs": COUNT,
            "gain": NOT_NEGATIVE,
        },
    ),
    Door(
        "GradientFeatures",
        m.GradientFeatures,
        dict,
        {"normalise": wrong.not_one_of("rms", "max", "batch-max", "sign", "none"), "iterate": FLAG},
        told_as={"normalise": "normalis"},
    ),
    Door("LogSignFeatures", m.LogSignFeatures, dict, {"p": POSITIVE, "iterate": FLAG}),
    Door("WeightAverage", m.WeightAverage, dict, {"decay": BELOW_ONE}),
    Door("BestWeights", m.BestWeights, lambda: {"by": "x"}, {"by": wrong.not_a(str), "highest": FLAG}),
]


test_wrong_values_are_refused, test_right_values_are_taken = knocking_at(*DOORS)


def test_numbers_of_numpy_are_settings_that_can_be_saved(tmp_path):
    updater = m.MLPUpdater(np.int64(2), [np.int32(3)], fan_in_scaling=np.True_)
    numbers = {
        "step_size": np.float32(0.5),
        "steps": np.int64(2),
        "random_start": np.float16(0.5),
        "relative": np.True_,
    }
    m.LearnedOptimizer(updater, truncate=np.uint8(1), **numbers).save_pretrained(tmp_path)
    again = m.LearnedOptimizer.from_pretrained(tmp_path)
    assert (again.steps, again.step_size, again.random_start, again.relative) == (2, 0.5, 0.5, True)
    assert (again.truncate, again.updater.hidden) == (1, (3,))
