from __future__ import annotations

import json
import os
import re

import pytest

from akosha_hook.cli.screen import LABEL_WIDTH
from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket
from tests.support.terminal import run_on_a_terminal

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_enable_fallback=False)
    return home


def test_in_a_pipe_every_line_says_how_it_is_meant(at_home: Home) -> None:
    result = at_home.akosha_hook("doctor")
    assert result.returncode == 0
    assert "\x1b" not in result.stdout
    lines = result.stdout.splitlines()[:-1]
    tone = slice(LABEL_WIDTH, LABEL_WIDTH + 9)
    assert {line[tone].strip() for line in lines} <= {"ok", "warning", "problem", ""}
    assert all(line[tone.stop :].startswith("Try: ") for line in lines if not line[tone].strip())


def test_the_exit_code_is_the_first_problems(at_home: Home) -> None:
    result = at_home.akosha_hook("doctor", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="yyyy")
    assert result.returncode == 4
    assert "yyyy" not in result.stdout + result.stderr
    assert "1 problem" in result.stdout


def test_json_has_every_finding(at_home: Home) -> None:
    result = at_home.akosha_hook("doctor", "--json")
    document = json.loads(result.stdout)
    assert document["ok"] is True
    assert {each["area"] for each in document["findings"]} >= {
        "Settings",
        "Hooks",
        "State",
        "Databases",
        "Bucket",
        "Security",
        "Versions",
    }
    assert document["findings"][0].keys() == {"area", "name", "state", "detail", "fix"}


def test_modes_are_tightened_and_told_before_the_log_is_opened(at_home: Home) -> None:
    at_home.paths.state.chmod(0o755)
    output = at_home.akosha_hook("doctor").stdout
    assert "/akosha was 0755; now only you can read it" in output


@pytest.mark.parametrize("command", ["doctor", "status"])
def test_on_a_terminal_no_line_is_wider_than_it(at_home: Home, command: str) -> None:
    at_home.configure(akosha_data_dir="/a/very/long/path" * 12)
    drawn = run_on_a_terminal([command], dict(os.environ))
    lines = ESCAPE.sub("", drawn).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "✗" in drawn or "!" in drawn


@pytest.mark.parametrize("command", ["doctor", "status"])
def test_no_color_leaves_symbols_and_words(at_home: Home, command: str) -> None:
    drawn = run_on_a_terminal([command], {**os.environ, "NO_COLOR": "1"})
    assert not re.search(r"\x1b\[(3[0-7]|9[0-7])", drawn)
    assert "!" in drawn
