"""Installed hooks, each part broken."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from akosha_hook.doctor import hooks
from akosha_hook.hook import outbox
from akosha_hook.hook.event import file_name
from tests.support.findings import examine, only
from tests.support.home import Home


def test_installed_hooks_run(installed: Home) -> None:
    findings = examine(installed)
    for name in ("claude-user", "script", "interpreter"):
        assert only(findings, "Hooks", name).state == "ok"
    assert not installed.events()


def test_an_interpreter_that_is_gone(installed: Home) -> None:
    installed.paths.interpreter.write_text("/nowhere/python3\n")
    finding = only(examine(installed), "Hooks", "interpreter")
    assert finding.state == "problem"
    assert "/nowhere/python3" in finding.detail
    assert finding.fix == "akosha-hook install"


def test_an_interpreter_without_the_package(installed: Home, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho \"No module named 'akosha_hook'\" >&2\nexit 1\n")
    bare.chmod(0o755)
    installed.paths.interpreter.write_text(f"{bare}\n")
    finding = only(examine(installed), "Hooks", "interpreter")
    assert finding.state == "problem"
    assert "No module named 'akosha_hook'" in finding.detail


@pytest.mark.parametrize(
    ("content", "state", "text"),
    [("#!/bin/sh\nexit 0\n", "warning", "is not the one"), (None, "problem", "is missing")],
)
def test_a_script_that_is_not_ours(
    installed: Home, content: str | None, state: str, text: str
) -> None:
    if content is None:
        installed.paths.hook_script.unlink()
    else:
        installed.paths.hook_script.write_text(content)
    finding = only(examine(installed), "Hooks", "script")
    assert (finding.state, finding.fix) == (state, "akosha-hook install")
    assert text in finding.detail


def test_hooks_switched_off_in_claude_code(installed: Home) -> None:
    text = installed.paths.claude_settings.read_text()
    installed.paths.claude_settings.write_text(
        text.replace("{", '{\n  "disableAllHooks": true,', 1)
    )
    assert "disableAllHooks" in only(examine(installed), "Hooks", "claude-user").fix


def test_no_hook_anywhere(at_home: Home) -> None:
    assert only(examine(at_home), "Hooks", "installed").fix == "akosha-hook install"


def test_events_that_wait_for_more_than_a_day_are_a_warning(at_home: Home) -> None:
    event = outbox.record(at_home.paths, "post-commit", None, b"")
    assert not [each for each in examine(at_home) if each.name == "events"]
    long_ago = int(time.time()) - 2 * 86_400
    event.rename(event.with_name(file_name(long_ago, 1, "post-commit")))
    finding = only(examine(at_home), "Hooks", "events")
    assert finding.state == "warning"
    assert finding.fix.startswith("akosha-hook sync")


def test_a_script_that_prints_is_a_problem(installed: Home) -> None:
    """Even one that is shipped: what a hook prints, a session shows."""
    script = installed.paths.hook_script
    script.rename(script.with_name("real"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hooks, "script_outdated", lambda _: False)
        script.write_text("#!/bin/sh\necho noise\n")
        script.chmod(0o755)
        finding = only(examine(installed), "Hooks", "script")
    assert (finding.state, finding.fix) == ("problem", "akosha-hook install")
