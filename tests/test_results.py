"""Every table of the documentation is what the stored results give."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks" / "tables.py")
assert SPEC is not None
assert SPEC.loader is not None
tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tables)


@pytest.mark.parametrize("page", tables.PAGES)
def test_a_page_holds_the_tables_that_the_results_give(page):
    text = (ROOT / page).read_text()
    assert "<!-- table: " in text
    assert tables.fill(text) == text


@pytest.mark.parametrize(
    "file", sorted((ROOT / "benchmarks" / "results").glob("*.json")), ids=lambda file: file.stem
)
def test_results_say_what_they_were_measured_with_and_where_nothing_is(file):
    content = json.loads(file.read_text())
    assert {"versions", "machine", "command", "commit", "date", "data_sha256"} <= set(content["environment"])
    assert content["rows"]
    assert all("method" in row and "seed" in row for row in content["rows"])
    assert "/home/" not in file.read_text()
    assert "/tmp/" not in file.read_text()
