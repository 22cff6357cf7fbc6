"""A report: one HTML page that holds its own pictures and needs nothing else."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minimax_l2l.extras import require_extra
from minimax_l2l.files import atomic, require_place

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GENERATOR = 'content="minimax-l2l"'  # by which a page is known that may be replaced
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="minimax-l2l">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
  :root { color-scheme: light; --ink: #1c2430; --soft: #5b6776; --line: #d9dee5; --paper: #fff; --tint: #f4f6f9; }
  body { font: 16px/1.55 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: var(--ink);
         background: var(--paper); max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
  h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
  h2 { font-size: 1.25rem; margin: 2.6rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
  p { max-width: 46rem; color: var(--soft); margin: .4rem 0 1rem; }
  /* A shadow at the right edge for as long as there is more; paper that scrolls along hides it at the end. */
  .scroll { overflow-x: auto; background:
            linear-gradient(to left, var(--paper) 40%, transparent) right / 4rem 100% no-repeat local,
            linear-gradient(to left, #1c243059, transparent) right / 1.2rem 100% no-repeat scroll; }
  .wide::before { content: "Scroll sideways for more columns →"; display: none; position: sticky; left: 0;
                  width: max-content; color: var(--soft); font-size: .85rem; padding-bottom: .3rem; }
  table { border-collapse: separate; border-spacing: 0; font-size: 14px; line-height: 20px;
          font-variant-numeric: tabular-nums; }
  /* Lines are above cells, for the next row's sticky cell would be painted over a line below. */
  th, td { padding: 6px 8px; border-top: 1px solid var(--line); text-align: right; white-space: pre; }
  tbody tr:last-child td { border-bottom: 1px solid var(--line); }
  th:first-child, td:first-child { text-align: left; }
  thead th { border-top: 0; background: #48699b0f; font-weight: 600; vertical-align: bottom; }
  th:first-child, td:first-child { position: sticky; left: 0; background: var(--paper); }
  thead th:first-child { background: var(--tint); }
  dl { display: grid; grid-template-columns: minmax(7rem, max-content) minmax(0, 40rem); gap: .4rem 1.5rem; }
  dt { font-weight: 600; }
  dd { margin: 0; color: var(--soft); }
  .figures { display: flex; flex-wrap: wrap; gap: 1rem; }
  svg { max-width: 100%; height: auto; }
  @media (max-width: 70rem) { .wide::before { display: block; } }
  @media (max-width: 40rem) {
    body { padding: 1.5rem 1rem; }
    table { font-size: 13px; }
    th, td { padding: 5px; }
    .wide th:first-child, .wide td:first-child { white-space: normal; min-width: 5.2rem; }
    dl { display: block; }
    dd { margin-bottom: .6rem; }
  }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p>{{ subtitle }}</p>
{% for section in sections %}
<section>
<h2>{{ section.title }}</h2>
{% if section.text %}<p>{{ section.text }}</p>{% endif %}
{% if section.table %}
<div class="scroll{{ " wide" if section.table[0] | length > 6 }}"><table>
<thead><tr>{% for name in section.table[0] %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in section.table[1] %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table></div>
{% endif %}
{% for note in section.notes %}<p>{{ note }}</p>{% endfor %}
{% if section.terms %}
<dl>
{% for term, meaning in section.terms.items() %}<dt>{{ term }}</dt><dd>{{ meaning }}</dd>
{% endfor %}</dl>
{% endif %}
{% if section.figure %}<div class="scroll figures">{{ section.figure | safe }}</div>{% endif %}
</section>
{% endfor %}
</body>
</html>
"""


@dataclass(frozen=True)
class Section:
    """A part of a report: a heading, words, and a table, terms or a picture.

    Attributes:
        title: the heading.
        text: words under it, plain text.
        table: column names and rows; None for no table.
        figure: a picture as SVG text, or several one after the other; None for no picture.
        brief: the table in less than 80 characters a line, for a terminal, which shows it with `text`; None if
            there is none.
        notes: what is to be said below the table, on the page alone; a paragraph each.
        terms: words and what they mean.
    """

    title: str
    text: str = ""
    table: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
    figure: str | None = None
    brief: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
    notes: Sequence[str] = ()
    terms: Mapping[str, str] = field(default_factory=dict)


def require_report() -> None:
    """Refuse to begin work that ends in a report where one cannot be written.

    Raises:
        MissingExtraError: if Jinja2 or matplotlib is not installed.
    """
    for module in ("jinja2", "matplotlib"):
        require_extra(module, extra="report", purpose="writing a report")


def write_report(file: Path, sections: Sequence[Section], *, title: str, subtitle: str = "") -> None:
    """Write a page.

    Args:
        file: where; its folder is made if it is not there.
        sections: what it says, in order.
        title: the page's heading.
        subtitle: a line under it.

    Raises:
        MissingExtraError: if Jinja2 is not installed.
        ValueError: if `file` is a folder, or a file that is no such page and would be replaced.
    """
    if file.is_dir():
        raise ValueError(f"{file} is a folder, a report needs a file name; pass --out {file / 'report.html'}.")
    if file.is_file() and file.stat().st_size and GENERATOR.encode() not in file.read_bytes()[:1024]:
        raise ValueError(f"{file} is no page of this library and would be replaced; choose another --out.")
    require_place("out", file.parent)
    jinja = require_extra("jinja2", extra="report", purpose="writing a report")
    template = jinja.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)
    with atomic(file) as page:
        page.write(template.render(title=title, subtitle=subtitle, sections=sections).encode())


def blank_figure(width: float, height: float) -> Figure:
    """A matplotlib figure of so many inches, without a window.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    module = require_extra("matplotlib.figure", extra="report", purpose="drawing figures")
    figure: Figure = module.Figure(figsize=(width, height), layout="constrained")
    return figure


def svg(figure: Figure) -> str:
    """A matplotlib figure as the text of a `Section`.

    A narrow screen shows it at three quarters of its size, and scrolls, rather than smaller.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    least = f'<svg style="min-width: {54 * figure.get_figwidth():.0f}pt"'
    return text[text.index("<svg") :].replace("<svg", least, 1)


def environment_section(environment: Mapping[str, Any]) -> Section:
    """What `describe_environment` says, as a table."""
    return Section("Environment", table=(("what", "value"), list(_flatten(environment))))


def _flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[list[str]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key} ")
        else:
            yield [f"{prefix}{key}", str(value)]
