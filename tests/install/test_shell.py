"""Paths in shell commands survive any character."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from akosha_hook.install.shell import SHARED_SCRIPT, quoted, unquoted

PATHS = ["/plain", "/a b", '/a"b', "/$HOME", "/`x`", "/back\\slash", "/'quote'"]


@pytest.mark.parametrize("path", PATHS)
def test_a_shell_reads_a_quoted_path_as_it_is(path: str) -> None:
    command = f"printf %s {quoted(Path(path))}"
    assert subprocess.check_output(["sh", "-c", command], text=True) == path


@pytest.mark.parametrize("path", PATHS)
def test_a_quoted_path_is_found_at_the_start_of_a_command(path: str) -> None:
    assert unquoted(f"{quoted(Path(path))} session-end") == path


@pytest.mark.parametrize("command", ["", "/plain session-end", '"unbalanced', "akosha-hook run x"])
def test_other_commands_have_no_quoted_path(command: str) -> None:
    assert unquoted(command) is None


def test_the_shared_script_follows_the_configuration_directory() -> None:
    for environ, script in (
        ({"HOME": "/home/ada"}, "/home/ada/.claude/akosha/bin/akosha-hook.sh"),
        ({"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c"}, "/c/akosha/bin/akosha-hook.sh"),
    ):
        command = ["/bin/sh", "-c", f"printf %s {SHARED_SCRIPT}"]
        assert subprocess.check_output(command, env=environ, text=True) == script
