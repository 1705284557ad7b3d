"""Wheel and sdist: all that is needed and nothing else, and the same bytes wherever they are built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.paths import shipped
from akosha_hook.settings.checks import check_secrets
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://git.example.org/someone/akosha-hook"
NEEDED = (".claude-plugin", ".mcp.json", "hooks", "templates")


# All of a checkout that an sdist has; .ci is of no use outside.
SOURCES = {
    ".claude-plugin",
    ".github",
    ".gitignore",
    ".mcp.json",
    ".pre-commit-config.yaml",
    ".pre-commit-hooks.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "PKG-INFO",
    "README.md",
    "SECURITY.md",
    "akosha_hook",
    "bench",
    "changelog",
    "docs",
    "hooks",
    "pyproject.toml",
    "templates",
    "tests",
    "tools",
}
EPOCH = "1700000000"


def build(source: Path, into: Path, **environ: str) -> dict[str, Path]:
    """Wheel and sdist of `source`, by suffix."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(into)],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, **environ},
        check=True,
        capture_output=True,
    )
    return {path.suffix: path for path in into.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(ROOT, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def unpacked(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer leaves it, executable bits included."""
    directory = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(built[".whl"]) as archive:
        for item in archive.infolist():
            Path(archive.extract(item, directory)).chmod(item.external_attr >> 16 & 0o777)
    return directory


@pytest.fixture(scope="module")
def sources(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist as it unpacks."""
    directory = tmp_path_factory.mktemp("sources")
    # Python 3.11.0 has no filters for tarfile yet, and later ones want one.
    subprocess.run(["tar", "-xzf", built[".gz"], "-C", directory], check=True)
    [top] = directory.iterdir()
    return top


def files_in(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_the_same_sources_give_the_same_bytes_elsewhere_and_later(
    built: dict[str, Path], unpacked: Path, sources: Path, tmp_path: Path
) -> None:
    """Built again from what the sdist holds: another place, other times, another time zone."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(sources, copy)
    (copy / "PKG-INFO").unlink()
    for path in files_in(copy):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if os.access(path, os.X_OK) else 0o600)
    again = build(copy, tmp_path / "again", TZ="Asia/Tokyo", PYTHONHASHSEED="7", LC_ALL="C")
    for suffix in (".whl", ".gz"):
        assert again[suffix].name == built[suffix].name
        assert again[suffix].read_bytes() == built[suffix].read_bytes(), suffix
    # Nor does a path of the machine get into either.
    for path in (*files_in(unpacked), *files_in(sources)):
        assert os.fsencode(tmp_path) not in path.read_bytes(), path


def test_the_wheel_has_the_package_and_nothing_else(unpacked: Path) -> None:
    assert {path.name for path in unpacked.iterdir()} == {
        "akosha_hook",
        f"akosha_hook-{__version__}.dist-info",
    }
    ours = {path.relative_to(ROOT) for path in files_in(ROOT / "akosha_hook")}
    ours = {path for path in ours if "__pycache__" not in path.parts}
    packed = {path.relative_to(unpacked) for path in files_in(unpacked / "akosha_hook")}
    assert {path for path in packed if path.parts[1] != "_shipped"} == ours
    assert Path("akosha_hook/py.typed") in packed
    assert {path.parts[2] for path in packed if path.parts[1] == "_shipped"} == set(NEEDED)


def test_the_sdist_has_what_it_takes_to_build_and_test(sources: Path) -> None:
    assert {path.name for path in sources.iterdir()} == SOURCES
    assert not [path for path in files_in(sources) if path.suffix in {".pyc", ".duckdb", ".log"}]


def metadata_of(unpacked: Path) -> Message:
    path = unpacked / f"akosha_hook-{__version__}.dist-info" / "METADATA"
    return Parser().parsestr(path.read_text(encoding="utf-8"))


def description_of(metadata: Message) -> str:
    text = metadata.get_payload()
    assert isinstance(text, str)
    return text


def targets(description: str) -> list[str]:
    """Where its links and pictures lead, in Markdown or HTML."""
    in_markdown = re.findall(r"\]\(\s*<?([^)\s>]+)", description)
    by_name = re.findall(r"(?m)^ {0,3}\[[^]]+\]:\s*<?([^\s>]+)", description)
    in_html = re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'\s>]+)", description)
    return [*in_markdown, *by_name, *in_html]


def test_the_long_description_leads_nowhere_that_only_a_repository_has(unpacked: Path) -> None:
    metadata = metadata_of(unpacked)
    assert metadata["Description-Content-Type"] == "text/markdown"
    links = targets(description_of(metadata))
    assert links
    assert all(target.startswith(("https://", "#")) for target in links), links


@pytest.fixture(scope="module")
def published(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources with the address of their repository, and what was built from them in dist/."""
    copy = tmp_path_factory.mktemp("published") / "akosha-hook"
    shutil.copytree(sources, copy)
    project = copy / "pyproject.toml"
    line = re.compile(r'(?m)^repository = ".*"$')
    text, lines = line.subn(f'repository = "{REPOSITORY}"', project.read_text(encoding="utf-8"))
    assert lines == 1
    project.write_text(text, encoding="utf-8")
    wheel = build(copy, copy / "dist")[".whl"]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(copy / "unpacked")
    return copy


def test_one_line_gives_a_published_package_its_links_and_pictures(published: Path) -> None:
    metadata = metadata_of(published / "unpacked")
    urls = dict(each.split(", ") for each in metadata.get_all("Project-URL") or [])
    assert urls.keys() == {"Changelog", "Documentation", "Issues", "Source"}
    assert urls["Source"] == REPOSITORY
    assert all(url.startswith(REPOSITORY) for url in urls.values())
    description = description_of(metadata)
    links = targets(description)
    assert all(target.startswith(("https://", "#")) for target in links), links
    pictures = re.findall(r"!\[[^]]*\]\((.+?)\)", description)
    assert pictures
    for target in links:
        if target.startswith(REPOSITORY):
            kind, tag, path = target.removeprefix(f"{REPOSITORY}/").split("/", 2)
            assert kind == ("raw" if target in pictures else "blob")
            assert tag == f"v{__version__}"
            assert (ROOT / path.partition("#")[0]).is_file(), target
    assert f"repo: {REPOSITORY}\n" in description
    assert "<the URL of this repository>" not in description


def check_release(directory: Path, tag: str, repository: str) -> tuple[int, str]:
    done = subprocess.run(
        [
            sys.executable,
            directory / "tools/check-release.py",
            f"--tag={tag}",
            f"--repository={repository}",
            directory / "dist",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_release_has_one_version_a_changelog_and_its_own_address(published: Path) -> None:
    fragments = list((published / "changelog").glob("*.*.md"))
    code, error = check_release(published, "v99.0.0", f"{REPOSITORY}-elsewhere")
    assert code == 1
    assert f"The tag is v99.0.0, but akosha_hook/version.py says {__version__}." in error
    assert f'pyproject.toml needs the line: repository = "{REPOSITORY}-elsewhere"' in error
    assert all(path.name in error for path in fragments)
    for path in fragments:
        path.unlink()
    (published / "CHANGELOG.md").write_text(f"# Changelog\n\n## {__version__} - 2026-12-01\n")
    assert check_release(published, f"v{__version__}", REPOSITORY) == (0, "")


def test_what_is_written_for_users_holds_no_key(unpacked: Path) -> None:
    assert check_secrets(files_in(unpacked / "akosha_hook" / "_shipped")) == ()


def test_what_it_depends_on_has_a_range_and_a_reason(unpacked: Path) -> None:
    """docs/security.md gives both, for every package that is installed with ours."""
    required = metadata_of(unpacked).get_all("Requires-Dist") or []
    needed = {each.replace(" ", "") for each in required if "extra ==" not in each}
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [
        line.split("|") for line in page.splitlines() if line.startswith("| ") and "`>=" in line
    ]
    reasons = {row[1].strip() + row[2].strip().strip("`"): row[3].strip() for row in rows}
    assert {_ordered(each.lower()) for each in reasons} == {
        _ordered(each.lower()) for each in needed
    }
    assert all(reasons.values())


def _ordered(requirement: str) -> str:
    """Name and bounds, the bounds in one order."""
    start = min(requirement.find(sign) for sign in "<>=" if sign in requirement)
    return requirement[:start].replace(".", "-") + ",".join(sorted(requirement[start:].split(",")))


def test_the_wheel_has_what_the_checkout_has(unpacked: Path) -> None:
    for name in NEEDED:
        source = ROOT / name
        files = [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]
        for file in files:
            installed = unpacked / "akosha_hook" / "_shipped" / file.relative_to(ROOT)
            assert installed.read_bytes() == file.read_bytes()
            assert os.access(installed, os.X_OK) == os.access(file, os.X_OK)


def test_an_installed_package_finds_its_own_files(unpacked: Path) -> None:
    """Not those of the checkout that the tests run from."""
    program = (
        "from akosha_hook.paths import shipped; from akosha_hook.version import __version__\n"
        f"print(__version__, *(shipped(name) for name in {NEEDED!r}), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert done[0] == __version__
    assert [Path(line) for line in done[1:]] == [
        unpacked / "akosha_hook" / "_shipped" / name for name in NEEDED
    ]


def test_a_checkout_finds_its_own_files() -> None:
    assert [shipped(name) for name in NEEDED] == [ROOT / name for name in NEEDED]
