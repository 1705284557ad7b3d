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
        "context.py",
        "duckdb_reader/errors.py",
        "duckdb_reader/messages.py",
        "errors.py",
        "settings/fields.py",
        "stores/base.py",
        "version.py",
    ),
    "tests/test_api.py, in a process of its own": ("__init__.py",),
    "tests/cli/test_help.py": ("cli/__init__.py",),
    "tests/cli/test_looking_back.py runs the commands": (
        "cli/history.py",
        "cli/ls.py",
        "cli/table.py",
        "cli/when.py",
    ),
    "tests/cli/test_status.py": ("cli/status_view.py",),
    "tests/cli/test_sync.py, on a terminal": ("cli/bars.py", "cli/exclusive.py", "cli/opening.py"),
    "every test of tests/cli/": ("cli/screen.py",),
    "tests/cli/test_install.py": ("cli/uninstall.py",),
    "tests/prune/test_pruning.py runs the command": ("cli/prune.py",),
    "tests/restore/test_restoring.py runs the commands": ("cli/restore.py", "cli/verify.py"),
    "tests/settings/test_checks.py runs the commands": (
        "cli/check_secrets.py",
        "cli/check_settings.py",
    ),
    "tests/test_mcp.py": ("cli/mcp.py",),
    "not yet; tests/akosha/": (
        "akosha/client/failures.py",
        "akosha/client/transport.py",
        "akosha/counts.py",
        "akosha/destination.py",
        "akosha/rows.py",
        "akosha/sender.py",
    ),
    "tests/cli/test_demo.py runs it": ("demo/walkthrough.py",),
    "every test that uses databases or a server": ("demo/databases.py", "demo/s3_server.py"),
    "tests/doctor/test_doctor.py runs every check": (
        "doctor/bucket.py",
        "doctor/configured.py",
        "doctor/databases.py",
        "doctor/finding.py",
        "doctor/hooks.py",
        "doctor/practices.py",
        "doctor/server.py",
        "doctor/state.py",
        "doctor/versions.py",
    ),
    "tests/duckdb_reader/test_reading.py, in a child process": (
        "duckdb_reader/__main__.py",
        "duckdb_reader/counting.py",
    ),
    "not yet; tests/format/test_delta.py": ("format/blocks.py", "format/manifest.py"),
    "tests/hook/test_script.py and tests/cli/test_run.py": ("hook/entry.py",),
    "not yet; tests/install/": (
        "install/claude_places.py",
        "install/config_hooks.py",
        "install/git_hooks.py",
        "install/git_places.py",
        "install/installer.py",
        "install/lefthook.py",
        "install/parts.py",
        "install/place.py",
        "install/precommit.py",
        "install/record.py",
        "install/script.py",
        "install/shell.py",
        "install/wrapper.py",
        "install/yaml_text.py",
    ),
    "not yet; used by every test": ("paths.py",),
    "not yet; tests/prune/test_pruning.py": ("prune/automatic.py", "prune/planning.py"),
    "not yet; tests/restore/": ("restore/choice.py", "restore/drill.py", "restore/staging.py"),
    "not yet; tests/settings/test_files.py and test_loading.py": (
        "settings/document.py",
        "settings/layers.py",
        "settings/rules.py",
        "settings/table.py",
        "settings/toml_file.py",
        "settings/validation.py",
        "settings/wording.py",
        "settings/yaml_file.py",
    ),
    "not yet; tests/snapshot/": ("snapshot/owner.py",),
    "not yet; tests/sync/, tests/status/ and tests/security/test_state.py": (
        "state/backoff.py",
        "state/identity.py",
        "state/notice.py",
        "state/progress_file.py",
        "state/receipt.py",
    ),
    "tests/stores/credentials/test_resolve.py": (
        "stores/credentials/__init__.py",
        "stores/credentials/environment.py",
        "stores/credentials/found.py",
        "stores/credentials/text.py",
    ),
    "not yet; tests/stores/contract/ and tests/stores/s3/test_wire.py": (
        "stores/s3/bounded.py",
        "stores/s3/bucket.py",
        "stores/s3/connect.py",
        "stores/s3/failures.py",
        "stores/s3/multipart.py",
    ),
    "not yet; tests/sync/test_run.py": ("sync/delivery.py", "sync/outcome.py", "sync/preview.py"),
    "not yet; tests/stores/contract/ and tests/restore/test_deltas.py": (
        "upload/deliver.py",
        "upload/plan.py",
    ),
    "not yet; in use everywhere": ("util/clock.py", "util/progress.py", "util/secret.py"),
    "tests/worker/test_worker.py, in a process of its own": (
        "worker/__main__.py",
        "worker/loop.py",
    ),
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
