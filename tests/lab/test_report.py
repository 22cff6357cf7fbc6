"""A report is one page that holds its own pictures, escapes its words and needs nothing else."""

import re
import sys

import pytest
from matplotlib.figure import Figure
from pages import assert_self_contained

from minimax_l2l import MissingExtraError
from minimax_l2l.lab.report import Section, environment_section, svg, write_report

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'


class TestPage:
    @pytest.mark.parametrize("content", ["my notes", "<!doctype html><title>mine</title>"])
    def test_replaces_a_page_and_nothing_else(self, tmp_path, content):
        page = tmp_path / "page.html"
        for title in ("One", "Two"):
            write_report(page, [], title=title)
        assert "<h1>Two</h1>" in page.read_text()
        page.write_text(content)
        with pytest.raises(ValueError, match=r"page\.html is no page of this library and would be replaced"):
            write_report(page, [], title="Three")
        assert page.read_text() == content

    def test_holds_titles_words_tables_and_pictures(self, tmp_path):
        part = Section("Heading", "Words.", table=(("name", "value"), [["a", "1"], ["b", "2"]]), figure=SVG)
        write_report(tmp_path / "new" / "page.html", [part], title="Title", subtitle="Subtitle")
        page = (tmp_path / "new" / "page.html").read_text()
        assert page.startswith("<!doctype html>")
        for words in ("<title>Title</title>", "<h1>Title</h1>", "<h2>Heading</h2>", "<p>Words.</p>", SVG):
            assert words in page
        assert re.findall(r"<t[hd]>(.*?)</t[hd]>", page) == ["name", "value", "a", "1", "b", "2"]
        assert_self_contained(page)

    def test_what_is_below_a_table_stands_below_it(self, tmp_path):
        part = Section("Heading", table=(("name",), [["a"]]), notes=["One.", "Two."], terms={"A <b>": "First."})
        write_report(tmp_path / "page.html", [part], title="Title")
        _, below = (tmp_path / "page.html").read_text().split("</table>")
        assert re.findall(r"<(?:p|dt|dd)>(.*?)</", below) == ["One.", "Two.", "A &lt;b&gt;", "First."]

    @pytest.mark.parametrize(("columns", "hinted"), [(3, 0), (10, 1)])
    def test_a_table_wider_than_a_phone_says_that_it_scrolls(self, tmp_path, columns, hinted):
        part = Section("Heading", table=(["name"] * columns, [["a"] * columns]))
        write_report(tmp_path / "page.html", [part], title="Title")
        assert (tmp_path / "page.html").read_text().count('<div class="scroll wide">') == hinted

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
