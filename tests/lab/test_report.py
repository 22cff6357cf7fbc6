"""A report is one page that holds its own pictures, escapes its words and needs nothing else."""

import json
import re
import shutil
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from tasks.adversarial.presets.family import FAMILY as ADVERSARIAL
from tasks.games.presets.family import FAMILY as GAMES

from minimax_l2l import MissingExtraError
from minimax_l2l.families import Section, Settings
from minimax_l2l.report import environment_section, svg, write_report
from minimax_l2l.solving import solve_preset
from tasks.adversarial.presets.figures import Line
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.pages import brief, sections, table
from tasks.adversarial.presets.runs import evaluate_run

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'


def assert_self_contained(page: str) -> None:
    """Nothing is fetched from anywhere: every address in the page points into the page or holds its own data."""
    addresses = re.findall(r"""(?:src|href|action|data|poster|srcset)\s*=\s*["']([^"']*)""", page)
    addresses += re.findall(r"url\(([^)]*)\)", page)
    assert all(address.strip("'\"").startswith(("#", "data:image/png;base64,")) for address in addresses)
    assert not re.search(r"<(script|link|iframe|img|object|embed|base)\b|@import", page)


class TestPage:
    def test_holds_titles_words_tables_and_pictures(self, tmp_path):
        part = Section("Heading", "Words.", table=(("name", "value"), [["a", "1"], ["b", "2"]]), figure=SVG)
        write_report(tmp_path / "new" / "page.html", [part], title="Title", subtitle="Subtitle")
        page = (tmp_path / "new" / "page.html").read_text()
        assert page.startswith("<!doctype html>")
        for words in ("<title>Title</title>", "<h1>Title</h1>", "<h2>Heading</h2>", "<p>Words.</p>", SVG):
            assert words in page
        assert re.findall(r"<t[hd]>(.*?)</t[hd]>", page) == ["name", "value", "a", "1", "b", "2"]
        assert_self_contained(page)

    def test_escapes_everything_but_pictures(self, tmp_path):
        evil = '<script>alert("1 & 2")</script>'
        part = Section(evil, evil, table=((evil,), [[evil]]), figure=SVG)
        write_report(tmp_path / "page.html", [part], title=evil, subtitle=evil)
        page = (tmp_path / "page.html").read_text()
        assert "<script>" not in page
        assert page.count("&lt;script&gt;alert(&#34;1 &amp; 2&#34;)&lt;/script&gt;") == 7
        assert SVG in page

    def test_may_be_empty(self, tmp_path):
        write_report(tmp_path / "page.html", [], title="Nothing")
        assert "<h1>Nothing</h1>" in (tmp_path / "page.html").read_text()

    def test_is_replaced_whole(self, tmp_path):
        for title in ("old " * 1000, "new"):
            write_report(tmp_path / "page.html", [], title=title)
        assert "old" not in (tmp_path / "page.html").read_text().replace("fold", "")
        assert [path.name for path in tmp_path.iterdir()] == ["page.html"]

    def test_a_folder_of_that_name(self, tmp_path):
        with pytest.raises(ValueError, match=r"is a folder, a report needs a file name; pass --out .*report\.html"):
            write_report(tmp_path, [], title="")

    def test_missing_extra(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "jinja2", None)
        with pytest.raises(MissingExtraError, match=r'writing a report needs jinja2.*"minimax-l2l\[report\]"'):
            write_report(tmp_path / "page.html", [], title="")
        assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of one epoch on images of one's own, measured on a few of them."""
    home = tmp_path_factory.mktemp("runs")
    random = np.random.default_rng(0)
    arrays = {
        f"{kind}_{part}": values
        for part, count in (("train", 60), ("test", 8))
        for kind, values in (("x", random.random((count, 8, 8))), ("y", np.arange(count) % 4))
    }
    np.savez(home / "mine.npz", **arrays)
    settings = Settings(data=home / "mine.npz", epochs=1)
    for method in ("plain", "grad-l2l"):
        solve_preset(ADVERSARIAL, f"adversarial/digits-{method}", home / method, settings, device="cpu")
        evaluate_run(home / method, settings, tier="quick")
    return [home / "plain", home / "grad-l2l"], settings


@pytest.fixture
def page(runs):
    return sections(*runs)


class TestAdversarialPage:
    def test_is_self_contained(self, runs, page, tmp_path):
        write_report(tmp_path / "page.html", page, title="Runs")
        text = (tmp_path / "page.html").read_text()
        assert_self_contained(text)
        assert text.count("<svg") == 5
        assert str(runs[0][0].parent) not in text

    def test_says_what_was_measured(self, page):
        assert [part.title for part in page] == [
            "Robustness",
            "Robustness against cost",
            "Accuracy against eps",
            "Accuracy against attack steps",
            "Perturbations",
            "Training",
            "Environment",
        ]
        assert "8 test images of mine" in page[0].text
        assert "at most 0.15 a pixel" in page[0].text

    def test_hand_designed_runs_show_no_perturbations(self, runs):
        folders, settings = runs
        assert "Perturbations" not in [part.title for part in sections(folders[:1], settings)]

    def test_tells_two_seeds_of_a_method_apart_and_two_runs_of_a_seed(self, runs, tmp_path):
        folders, settings = runs
        for name, seed in (("a", 0), ("b", 0), ("c", 5)):
            shutil.copytree(folders[0], tmp_path / name)
            config = json.loads((tmp_path / name / "config.json").read_text())
            (tmp_path / name / "config.json").write_text(json.dumps({**config, "seed": seed}))
        page = sections([tmp_path / name for name in "abc"], settings)
        _, cells = page[0].table
        title = METHODS[config["method"]].title
        assert [row[0] for row in cells] == [f"{title}, seed 0, a", f"{title}, seed 0, b", f"{title}, seed 5"]


ROW = {
    "clean": 0.98765,
    "pgm_20": 0.5,
    "autoattack": 0.1,
    "train_seconds": 12.34,
    "forward_passes": 60,
    "input_gradient_passes": 40,
    "weight_gradient_passes": 20,
}
LINE = Line("2-Step L2L", "two-step-l2l")


class TestTable:
    def test_by_hand(self):
        titles, cells = table({LINE: ROW})
        assert titles == ["method", "clean", "PGM-20", "AutoAttack", "seconds", "passes\na batch"]
        assert cells == [["2-Step L2L", "98.8", "50.0", "10.0", "12.3", "3/2/1"]]

    def test_a_missing_measurement_is_a_dash(self):
        other = {**ROW}
        del other["autoattack"]
        _, cells = table({LINE: ROW, Line("Plain", "plain"): other})
        assert [row[3] for row in cells] == ["10.0", "-"]

    def test_a_terminal_is_shown_fewer_attacks(self):
        titles, cells = brief({LINE: {**ROW, "pgm_100": 0.4}})
        assert "PGM-100" not in titles
        assert cells[0][-1] == "3/2/1"


class TestParts:
    def test_a_figure_becomes_text_that_does_not_change_from_day_to_day(self):
        axes = (figure := Figure(figsize=(1, 1))).subplots()
        axes.plot([0, 1])
        assert svg(figure).startswith("<svg")
        assert "<dc:date>" not in svg(figure)

    def test_an_environment_becomes_a_table(self):
        section = environment_section({"versions": {"torch": "2.6", "numpy": "2"}, "commit": None})
        assert section.table == (
            ("what", "value"),
            [["versions torch", "2.6"], ["versions numpy", "2"], ["commit", "None"]],
        )


class TestGamesPage:
    def test_draws_the_orbits(self, tmp_path):
        game = GAMES.build("games/limit-cycle-rnn-l2l", Settings(inner_steps=16))
        game.task.iterations = 2
        game.task.solve(game.optimizer, out=tmp_path / "run")
        write_report(tmp_path / "page.html", GAMES.sections([tmp_path / "run"], Settings()), title="Games")
        page = (tmp_path / "page.html").read_text()
        assert_self_contained(page)
        assert page.count("<svg") == 1
        assert "The limit cycle: run" in page
