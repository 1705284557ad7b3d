from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from akosha_hook.cli import COMMANDS, cli


def script(shell: str) -> str:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize(
    ("shell", "words"),
    [("bash", "complete "), ("zsh", "#compdef akosha-hook"), ("fish", "complete --no-files")],
)
def test_each_shell_gets_its_own_script(shell: str, words: str) -> None:
    assert words in script(shell)


def candidates(line: str, word: int) -> list[str]:
    """What bash would offer, asked as the script asks."""
    bash = shutil.which("bash")
    assert bash is not None
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    program = (
        f"{script('bash')}\n"
        f"COMP_WORDS=({line} ''); COMP_CWORD={word}; _akosha_hook_completion akosha-hook; "
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    asked = subprocess.run(
        [bash, "--norc", "-c", program],
        env={**os.environ, "PATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.split()


def test_bash_completes_every_command() -> None:
    assert set(candidates("akosha-hook", 1)) == set(COMMANDS)


def test_bash_completes_the_names_of_settings() -> None:
    assert "akosha_cloud_bucket" in candidates("akosha-hook config get", 3)
