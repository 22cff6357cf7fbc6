"""A result file grows row by row, is whole after each, and goes on where it was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from minimax_l2l import DamagedRunError
from minimax_l2l.lab.rows import fill, missing, read_rows, write_rows

RESULTS = sorted((Path(__file__).parents[2] / "benchmarks" / "results").glob("*.json"))


@dataclass(frozen=True)
class Toss:
    method: str
    seed: int
    conditions: str | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        told = {"conditions": self.conditions} if self.conditions is not None else {}
        return {"method": self.method, "seed": self.seed, **told}


JOBS = [Toss(method, seed) for method in ("b", "a") for seed in (1, 0)]


def toss(job: Toss, *, played: list[Toss], stop_at: Toss | None = None) -> dict[str, float]:
    played.append(job)
    if job == stop_at:
        raise KeyboardInterrupt
    return {"value": job.seed / 2}


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "new" / "tosses.json"


def silent(words: str) -> None:
    pass


class TestFill:
    def test_plays_every_job_and_sorts_rows_by_what_they_are(self, file):
        announced: list[str] = []
        assert fill(file, JOBS, partial(toss, played=[]), announce=announced.append, workers=1) == file
        assert read_rows(file) == [
            {"method": "a", "seed": 0, "value": 0.0},
            {"method": "a", "seed": 1, "value": 0.5},
            {"method": "b", "seed": 0, "value": 0.0},
            {"method": "b", "seed": 1, "value": 0.5},
        ]
        assert announced == [f"{done} of 4 rows of tosses are there" for done in range(5)]

    def test_sorts_by_another_order(self, file):
        order = lambda row: (row["seed"], -ord(row["method"]))  # noqa: E731
        fill(file, JOBS, partial(toss, played=[]), announce=silent, workers=1, order=order)
        assert [(row["seed"], row["method"]) for row in read_rows(file)] == [(0, "b"), (0, "a"), (1, "b"), (1, "a")]

    def test_goes_on_where_it_was_interrupted(self, file):
        played: list[Toss] = []
        with pytest.raises(KeyboardInterrupt):
            fill(file, JOBS, partial(toss, played=played, stop_at=JOBS[2]), announce=silent, workers=1)
        assert played == JOBS[:3]
        assert [row["method"] for row in read_rows(file)] == ["b", "b"]
        played.clear()
        fill(file, JOBS, partial(toss, played=played), announce=silent, workers=1)
        assert played == JOBS[2:]
        assert len(read_rows(file)) == 4

    def test_of_what_is_there_changes_nothing(self, file):
        fill(file, JOBS, partial(toss, played=[]), announce=silent, workers=1)
        before = file.read_bytes()
        fill(file, JOBS, partial(toss, played=(played := [])), announce=silent, workers=1)
        assert (file.read_bytes(), played) == (before, [])

    def test_keeps_rows_of_other_jobs(self, file):
        write_rows(file, [{"method": "z", "seed": 9, "value": 1.0}])
        fill(file, JOBS[:1], partial(toss, played=[]), announce=silent, workers=1)
        assert [row["method"] for row in read_rows(file)] == ["b", "z"]

    def test_of_nothing_writes_nothing(self, file):
        fill(file, [], partial(toss, played=[]), announce=silent)
        assert not file.exists()

    def test_a_folder_that_cannot_be_made_is_found_out_before_anything_is_played(self, tmp_path):
        (tmp_path / "file").write_text("precious")
        with pytest.raises(ValueError, match="file is a file and no folder; choose another out="):
            fill(tmp_path / "file" / "x.json", JOBS, partial(toss, played=(played := [])), announce=silent)
        assert not played

    def test_in_workers(self, file):
        fill(file, JOBS, partial(toss, played=[]), announce=silent, workers=2)
        assert len(read_rows(file)) == 4


class TestConditions:
    def test_rows_of_other_conditions_are_never_mixed(self, file):
        fill(file, [Toss("a", 0, "dry")], partial(toss, played=[]), announce=silent, workers=1)
        before = file.read_bytes()
        with pytest.raises(
            ValueError,
            match=r"tosses.json holds 1 rows that were played under other conditions than now, such as method a, "
            r"seed 0; move the file away to play them again",
        ):
            fill(file, [Toss("a", 0, "wet"), Toss("a", 1, "wet")], partial(toss, played=[]), announce=silent)
        assert file.read_bytes() == before

    def test_are_no_part_of_what_tells_rows_apart(self, file):
        write_rows(file, [{"method": "a", "seed": 0, "conditions": "dry"}])
        assert missing(file, [Toss("a", 0, "dry"), Toss("a", 1, "dry")]) == [Toss("a", 1, "dry")]


class TestFile:
    def test_has_a_row_a_line_and_says_what_it_was_measured_with(self, file):
        write_rows(file, [{"a": 1}, {"a": None}], data={"digits": "abc"})
        content = json.loads(file.read_text())
        assert content["rows"] == [{"a": 1}, {"a": None}]
        assert content["environment"]["data_sha256"] == {"digits": "abc"}
        assert file.read_text().splitlines()[2:] == ['{"a": 1},', '{"a": null}', "]}"]

    def test_that_is_not_there_has_no_rows(self, file):
        assert read_rows(file) == []

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", "1", '{"rows": 3}', '{"rows": [3]}'])
    def test_that_is_damaged(self, content, tmp_path):
        (tmp_path / "x.json").write_text(content)
        with pytest.raises(DamagedRunError, match=r"x\.json is no whole result file .*; move it away"):
            read_rows(tmp_path / "x.json")

    @pytest.mark.parametrize("stored", RESULTS, ids=lambda file: file.stem)
    def test_what_was_stored_is_read_whole(self, stored):
        rows = read_rows(stored)
        assert rows == json.loads(stored.read_text())["rows"]
        assert rows
        assert len({json.dumps(row) for row in rows}) == len(rows)
