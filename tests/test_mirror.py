"""Tests mirror the tree: `akosha_hook/a/b.py` is tested by `tests/a/test_b.py`.

`WITHOUT` holds the exceptions by their reason. A row that is no longer needed has to go:
`python -m tests.test_mirror` says which, and what is missing.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "akosha_hook"
TESTS = ROOT / "tests"

WITHOUT: dict[str, tuple[str, ...]] = {
    "declares data, and nothing runs": (
        "errors.py",
        "settings/fields.py",
        "stores/credentials/result.py",
        "version.py",
    ),
    "tests/test_api.py, in a process of its own": ("__init__.py",),
    "tests/cli/test_help.py": ("cli/__init__.py",),
    "tests/hook/test_script.py and tests/cli/test_run.py": ("hook/entry.py",),
    "not yet; tests/install/": ("install/place.py",),
    "tests/stores/credentials/test_resolve.py": ("stores/credentials/__init__.py",),
    "not yet; in use everywhere": ("util/progress.py",),
}


def modules() -> list[str]:
    """Every module, relative to the package; a package's own file only where it holds code."""
    return [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "__init__.py" or _holds_code(path)
    ]


def _holds_code(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines()
    return any(line.startswith(("def ", "class ", "async def ")) for line in lines)


def mirror(module: str) -> str:
    """Where the tests of a module belong: a package's own file is tested under the package's name."""
    path = Path(module)
    name = path.parent.name or "package" if path.name == "__init__.py" else path.stem.strip("_")
    return (path.parent / f"test_{name}.py").as_posix()


def has_tests(module: str) -> bool:
    return (TESTS / mirror(module)).is_file()


def missing() -> list[str]:
    """Modules without tests of their name that are no exception."""
    excepted = {module for group in WITHOUT.values() for module in group}
    return [each for each in modules() if not has_tests(each) and each not in excepted]


def stale() -> list[str]:
    """Exceptions that have tests of their name, or are no module any more."""
    there = set(modules())
    return [
        module
        for group in WITHOUT.values()
        for module in group
        if module not in there or has_tests(module)
    ]


def test_every_module_has_tests_at_its_place() -> None:
    assert missing() == []


def test_no_exception_outlives_its_reason() -> None:
    assert stale() == []


def test_an_exception_has_one_reason() -> None:
    excepted = [module for group in WITHOUT.values() for module in group]
    assert len(excepted) == len(set(excepted))


if __name__ == "__main__":
    print(*(f"missing: tests/{mirror(each)}" for each in missing()), sep="\n")
    print(*(f"stale: {each}" for each in stale()), sep="\n")
