"""What may watch a run."""

import sys

import pytest

from minimax_l2l import MissingExtraError
from minimax_l2l.training.callbacks import ProgressBar, TensorBoard

ROWS = [{"step": step, "seconds": step / 10, "objective": 1 / step} for step in (1, 2, 3)]


def scalars(folder) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]
    }


class TestTensorBoard:
    def test_every_number_of_every_row_is_on_disk_when_the_run_has_ended(self, tmp_path):
        with TensorBoard(tmp_path) as board:
            for row in ROWS:
                board(row)
        found = scalars(tmp_path)
        assert set(found) == {"seconds", "objective"}
        assert [step for step, _ in found["objective"]] == [1, 2, 3]
        assert [value for _, value in found["objective"]] == pytest.approx([1, 1 / 2, 1 / 3])

    def test_the_writer_is_closed_when_the_run_ends_and_never_made_if_it_never_begins(self, tmp_path, monkeypatch):
        closed = []
        from torch.utils.tensorboard import SummaryWriter

        monkeypatch.setattr(SummaryWriter, "close", lambda writer: closed.append(writer.log_dir))
        with TensorBoard(tmp_path / "none"):
            pass
        with TensorBoard(tmp_path / "some") as board:
            board(ROWS[0])
        assert closed == [str(tmp_path / "some")]
        assert not (tmp_path / "none").exists()

    def test_every_so_many_steps_and_wherever_there_was_a_validation(self, tmp_path):
        with TensorBoard(tmp_path, every=2) as board:
            for row in (*ROWS, {"step": 5, "objective": 0.2, "validation_clean": 0.9}):
                board(row)
        assert [step for step, _ in scalars(tmp_path)["objective"]] == [2, 5]

    def test_a_folder_that_cannot_be_written_to(self):
        with pytest.raises(ValueError, match=r"/proc/x cannot be written to .*; choose another folder="):
            TensorBoard("/proc/x")

    def test_missing_extra(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "tensorboard", None)
        with pytest.raises(MissingExtraError, match=r'pip install "minimax-l2l\[report\]"'):
            TensorBoard(tmp_path)
        assert not list(tmp_path.iterdir())


class TestProgressBar:
    @pytest.fixture
    def terminal(self, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "100")

    @pytest.mark.usefixtures("terminal")
    def test_shows_title_steps_and_objective_on_the_error_stream(self, capsys):
        with ProgressBar("games [/sic]", total=3, done=1) as bar:
            for row in ROWS:
                bar(row)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "games [/sic]" in captured.err
        assert "objective 1.000" in captured.err  # read at the first step and at each tenth from there

    @pytest.mark.usefixtures("terminal")
    def test_a_total_may_be_unknown(self, capsys):
        with ProgressBar("endless", total=None) as bar:
            bar(ROWS[0])
        assert "endless" in capsys.readouterr().err

    def test_is_silent_where_the_output_is_no_terminal(self, capsys, monkeypatch):
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        with ProgressBar("hidden", total=3) as bar:
            bar(ROWS[0])
        assert capsys.readouterr().err.strip() == ""

    def test_rows_outside_the_context_are_ignored(self):
        ProgressBar("idle", total=3)(ROWS[0])
