"""What the pages say about the repository: the tests, modules and pages that they name exist.

A page names a test in inline code: by its path (`tests/` may be left out), by its name, or by part
of its name between ellipses. A part belongs to the file named before it in the same line, else to
the one that the text of the section names.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCED = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
TEST_FILE = re.compile(r"^(?:tests/)?((?:\w+/)*test_\w+\.py)(?:::(…?\w+…?))?$")
TEST_NAME = re.compile(r"^(?:test_\w+…?|…\w+…?)$")
SOURCE = re.compile(r"^(?:akosha_hook|bench|docs|hooks|templates|tests|tools)/[\w./-]+$")


class Named(NamedTuple):
    """A test as a page names it: `name` may be a part in ellipses, `file` is None for any file."""

    file: Path | None
    name: str


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def sections(text: str) -> list[str]:
    return re.split(r"^(?=## )", text, flags=re.MULTILINE)


@functools.cache
def functions_in(file: Path) -> frozenset[str]:
    """Names of the test functions that a module defines."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = (each.name for each in ast.walk(tree) if isinstance(each, kinds))
    return frozenset(name for name in names if name.startswith("test_"))


def files_named_in(line: str) -> list[Path]:
    matches = (TEST_FILE.match(code) for code in CODE.findall(line))
    return [TESTS / each.group(1) for each in matches if each]


def named_tests(page: Path) -> Iterator[Named]:
    for section in sections(prose(page)):
        lines = section.splitlines()
        text = [each for each in lines if not each.startswith("|")]
        named = [file for line in text for file in files_named_in(line)]
        default = named[0] if named else None
        for line in lines:
            file = default
            for code in CODE.findall(line):
                if path := TEST_FILE.match(code):
                    file = TESTS / path.group(1)
                    yield Named(file, path.group(2) or "")
                elif TEST_NAME.match(code):
                    yield Named(file if code.startswith("…") else None, code)


def is_there(named: Named) -> bool:
    files = [named.file] if named.file else [*TESTS.rglob("test_*.py")]
    part = named.name.strip("…")
    names = {each for file in files if file.is_file() for each in functions_in(file)}
    if named.name == part:
        return bool(names) and (not part or part in names)
    if named.name.startswith("…"):
        return any(part in each for each in names)
    return any(each.startswith(part) for each in names)


def anchors(page: Path) -> set[str]:
    """The anchors that the page's headings get on GitHub."""
    names: set[str] = set()
    for heading in HEADING.findall(prose(page)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        names.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return names


def by_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    assert [str(each) for each in named_tests(page) if not is_there(each)] == []


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_every_file_of_the_repository_that_a_page_names_exists(page: Path) -> None:
    named = {code for code in CODE.findall(prose(page)) if SOURCE.match(code)}
    assert [each for each in sorted(named) if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_every_relative_link_and_its_anchor_resolve(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        there = linked.exists() and (not anchor or anchor in anchors(linked))
        if not there:
            broken.append(target)
    assert broken == []


def test_the_promises_name_tests_in_every_section_with_a_table() -> None:
    page = ROOT / "docs/promises.md"
    tables = [each for each in sections(prose(page)) if "\n|" in each]
    assert len(tables) >= 5
    for section in tables:
        rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
        unproved = [row for row in rows if not re.search(r"test_\w+|…\w+", row.rsplit("|", 2)[1])]
        assert unproved == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    here = TESTS / "test_docs.py"
    assert is_there(Named(None, "test_a_test_that_is_not_there_is_noticed"))
    assert is_there(Named(here, "…not_there…"))
    assert is_there(Named(here, ""))
    assert not is_there(Named(here, "…nowhere_to_be_found…"))
    assert not is_there(Named(None, "test_of_nothing"))
    assert not is_there(Named(TESTS / "test_gone.py", ""))
