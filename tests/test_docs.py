"""The documentation is true: its code runs and prints what it shows, its commands, methods and links exist."""

import inspect
import io
import re
import shlex
import textwrap
import tomllib
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FunctionType

import pytest

import minimax_l2l
from minimax_l2l import cli
from minimax_l2l.lab.family import GROUP, load_families
from tasks.adversarial import UniformStart
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.methods import METHODS
from tasks.gail.presets.methods import CONTROLS
from tasks.gail.presets.methods import METHODS as IMITATION
from tasks.gail.presets.settings import SETTINGS
from tasks.games import SUITE, Kind

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)```[ \t]*$", re.M | re.S)
COMMAND = re.compile(r"(?:^|\s|/)minimax-l2l (?P<arguments>[^\n]*)")
REFERENCE = re.compile(r"^::: (\S+)\n((?:    .*\n)*)", re.M)
OF_CLASSES = (FunctionType, property, classmethod, staticmethod)
RUN_OPTIONS = ("out", "device", "resume")
LINK = re.compile(r"\]\((?P<markdown>[^)\s]+)\)|(?:src|href)=\"(?P<html>[^\"]+)\"")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line it begins at, and the output shown directly under it."""

    language: str
    text: str
    line: int
    shown: str | None


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    fences = list(FENCE.finditer(text))
    found = []
    for fence, after in pairwise([*fences, None]):
        touches = after is not None and not text[fence.end() : after.start()].strip()
        shown = (
            textwrap.dedent(after["body"])
            if after is not None and touches and after["language"] == "text"
            else None
        )
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(fence["language"], textwrap.dedent(fence["body"]), line, shown))
    return found


def commands(page: Path) -> list[list[str]]:
    """What follows `minimax-l2l` in shell blocks and in code spans, as words."""
    text = page.read_text(encoding="utf-8")
    shells = [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    spans = re.findall(r"`(minimax-l2l [^`\n]+)`", FENCE.sub("", text))
    matches = [COMMAND.search(line) for line in (*shells, *spans)]
    return [shlex.split(match["arguments"], comments=True) for match in matches if match is not None]


def with_blocks(language: str) -> list[Path]:
    return [page for page in PAGES if any(block.language == language for block in blocks(page))]


@pytest.mark.filterwarnings("ignore:y explodes", "ignore:the inner optimizer makes y worse")  # as a page shows
@pytest.mark.parametrize("page", with_blocks("python"), ids=named)
def test_code_runs_and_prints_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "documentation"}
    for block in blocks(page):
        if block.language == "python":
            source = "\n" * block.line + block.text  # so that a traceback names the page's own lines
            with redirect_stdout(io.StringIO()) as printed:
                exec(compile(source, named(page), "exec"), namespace)
            assert printed.getvalue() == (block.shown or ""), f"{named(page)}, line {block.line}"


def test_the_entry_point_that_a_page_shows_is_looked_for():
    (shown,) = [block for block in blocks(ROOT / "docs" / "extend.md") if block.language == "toml"]
    project = tomllib.loads(shown.text)
    ((family, place),) = project["project"]["entry-points"][GROUP].items()
    assert project["tool"]["setuptools"]["py-modules"] == [place.removesuffix(":FAMILY")]
    page = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
    assert f'presets={{f"{family}/' in page
    assert f'report="{place.removesuffix("FAMILY")}report"' in page


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=named)
def test_commands_and_presets_exist(page):
    families = load_families().values()
    presets = {name: preset for family in families for name, preset in family.presets.items()}
    benchmarks = {name for family in families for name in family.benchmarks}
    for command, *arguments in commands(page):
        if command.startswith("--"):
            assert command in ("--version", "--tyro-write-completion")
            continue
        assert command in cli.COMMANDS
        options = set(inspect.signature(cli.COMMANDS[command]).parameters) | {"help"}
        if command in ("solve", "benchmark") and arguments and not arguments[0].isupper():
            assert arguments[0] in (presets if command == "solve" else benchmarks)
        if command == "solve":
            known = [presets[arguments[0]]] if arguments[:1] and arguments[0] in presets else presets.values()
            options |= {*RUN_OPTIONS, *(setting for preset in known for setting in preset.settings())}
        for flag in (word for word in arguments if word.startswith("--")):
            assert flag.removeprefix("--").replace("-", "_") in options, (command, flag)


def documented() -> dict[str, tuple[object, list[str]]]:
    """What the reference shows, by name: the object, and which inherited methods are shown with it."""
    found = {}
    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        for name, options in REFERENCE.findall(page.read_text(encoding="utf-8")):
            module, _, own = name.rpartition(".")
            shown = re.search(r"inherited_members: \[(.*)\]", options)
            one = getattr(import_module(module), own, None) or import_module(name)
            found[name] = one, shown[1].split(", ") if shown else []
    return found


def test_the_reference_shows_what_a_class_inherits_from_one_that_it_does_not_show():
    """Except for `forward`, which is called through the module."""
    reference = documented()
    classes = {one for one, _ in reference.values() if inspect.isclass(one)}
    assert len(classes) >= 60
    for name, (kind, shown) in reference.items():
        for base in kind.__mro__[1:] if inspect.isclass(kind) else ():
            if base in classes or base.__module__.partition(".")[0] not in ("minimax_l2l", "tasks"):
                continue
            methods = {own for own, what in vars(base).items() if isinstance(what, OF_CLASSES)}
            lacking = {own for own in methods - vars(kind).keys() if not own.startswith("_") and own != "forward"}
            told = {own for own in lacking if f" {own}: " in inspect.getdoc(kind)}  # an attribute
            assert lacking - told <= set(shown), name


def test_every_command_is_explained():
    named = {command for command, *_ in commands(ROOT / "docs" / "command-line.md")}
    explained = {command for command in named if not command.startswith("--")}
    assert explained == set(cli.COMMANDS)


def test_every_option_of_a_run_is_explained():
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(--[\w-]+)", _section(page, "Options of solve"), re.M)
    assert {f"--{name}" for name in RUN_OPTIONS} == set(told)


def test_the_table_of_methods_is_that_of_the_code():
    page = (ROOT / "docs" / "tasks" / "adversarial.md").read_text(encoding="utf-8")
    rows = {
        cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
        for cells in _cells(_section(page, "Methods"))
        if "`" in cells[0]
    }
    assert list(rows) == list(METHODS)
    for name, (_, steps, starts, passes, _) in rows.items():
        method = METHODS[name]
        built = DIGITS[f"adversarial/digits-{name}"].build()
        spent = built.task.solve(built.optimizer, steps=1, device="cpu").passes.as_row().values()
        assert int(steps) == method.steps
        assert passes == " / ".join(map(str, spent))
        assert (starts == "where the last one ended") == method.remembers
        noise = built.optimizer.random_start > 0 or isinstance(built.task.start, UniformStart)
        assert starts.startswith("at random") == noise


def test_the_tables_of_imitation_are_those_of_the_code():
    page = (ROOT / "docs" / "tasks" / "imitation.md").read_text(encoding="utf-8")
    methods, experts = (
        [[cell.strip("` ") for cell in cells] for cells in _cells(_section(page, title)) if "`" in cells[0]]
        for title in ("Methods", "Experts that ship with the package")
    )
    assert [name for name, _ in methods] == list(IMITATION)
    assert {name for name, what in methods if what.startswith("control: ")} == set(CONTROLS)
    assert experts == [
        [name, one.environment_id, source, str(one.random_return), str(one.expert_return), one.reward]
        for (name, one), (*_, source, _, _, _) in zip(SETTINGS.items(), experts, strict=True)
    ]


def test_the_table_of_games_is_the_suite():
    page = (ROOT / "docs" / "tasks" / "games.md").read_text(encoding="utf-8")
    words = {
        Kind.NASH: "Nash",
        Kind.LOCAL_MINIMAX: "local minimax",
        Kind.VI_ONLY: "VI only",
        Kind.SPURIOUS: "spurious",
    }
    rows = [[cell.strip() for cell in cells] for cells in _cells(_section(page, "The suite")) if "`" in cells[0]]
    families = {name: row for row in rows for name in re.findall(r"`([\w-]+)`", row[0])}
    assert list(families) == list(SUITE)
    for name, (_, _, ends, kinds, circles, source) in families.items():
        family = SUITE[name]
        points = [words[Kind(kind)] for kind in dict.fromkeys(family.sample(1).kinds[0].tolist())]
        assert kinds == ", ".join(points), name
        assert (ends == "nowhere") == (not {"Nash", "local minimax"} & set(points)), name
        assert circles == ("yes" if family.circles else "no"), name
        assert source == family.source, name


def test_the_table_of_methods_for_games_counts_their_passes():
    page = (ROOT / "docs" / "tasks" / "games.md").read_text(encoding="utf-8")
    rows = [[cell.strip("` ") for cell in cells] for cells in _cells(_section(page, "Methods")) if "`" in cells[0]]
    for name, _, passes in rows:
        settings = (
            {"step_sizes": (0.01, 0.1)}
            if name == "TwoTimeScales"
            else {"base": minimax_l2l.GradientAscent(steps=1, step_size=0.1)}
            if name == "Lookahead"
            else {"step_size": 0.1}
        )
        game = SUITE["forsaken"].sample(2)
        getattr(minimax_l2l, name)(steps=3, **settings).maximize(game)
        assert game.passes.input_gradient == 3 * int(passes), name
    homes = {one.stem for one in (ROOT / "minimax_l2l" / "optimizers" / "play").glob("[!_]*.py")}
    assert homes == {getattr(minimax_l2l, name).__module__.rpartition(".")[2] for name, *_ in rows} - {"ascent"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [match["markdown"] or match["html"] for match in LINK.finditer(text)]
    for target in targets:
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            there = (page.parent / file).resolve() if file else page
            assert there.exists(), target
            assert not anchor or anchor in _anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_make_targets_and_files_that_pages_name_exist(page):
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.M)) <= targets
    for file in re.findall(r"\b((?:examples|benchmarks|minimax_l2l|tasks|tests)/[\w/]+\.py)\b", text):
        assert (ROOT / file).is_file(), file


def _section(page: str, title: str) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _cells(table: str) -> list[list[str]]:
    return [
        line.strip().removeprefix("|").removesuffix("|").split("|") for line in table.splitlines() if "|" in line
    ]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
