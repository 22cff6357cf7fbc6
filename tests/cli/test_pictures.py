"""A folder of pictures after `--data`: solved, measured, gone on with, and no other folder in its place."""

import json
from pathlib import Path

from pictures import pictures

from minimax_l2l import cli

WORDS = ["solve", "adversarial/digits-pgm-2", "--eps", "0.1", "--epochs", "1", "--device", "cpu", "--out", "run"]


def test_a_run_on_pictures(capsys):
    folder = pictures(Path("some") / "pets")
    assert cli.main([*WORDS, "--data", str(folder)]) == 0
    config = json.loads(Path("run/config.json").read_text())
    assert (config["data"], config["settings"]["data"]) == ("pets", "pets")
    assert "some" not in Path("run/config.json").read_text()
    assert cli.main(["evaluate", "run", "--data", str(folder), "--device", "cpu"]) == 0
    assert json.loads(Path("run/evaluation.json").read_text())["rows"][0]["data"] == "pets"
    (folder / "test" / "cat" / "0.png").unlink()
    capsys.readouterr()
    assert cli.main(["evaluate", "run", "--data", str(folder), "--device", "cpu"]) == 1
    assert "name what it was trained on with --data" in " ".join(capsys.readouterr().err.split())
