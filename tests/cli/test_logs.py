from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import pytest

from akosha_hook.paths import Paths
from akosha_hook.util import log
from akosha_hook.util.files import private_directory
from akosha_hook.util.log import ROTATE_BYTES
from tests.support.home import Home

WAIT_SECONDS = 90


@pytest.fixture
def at_home(paths: Paths) -> Home:
    return Home(paths)


@contextmanager
def logging_to(paths: Paths) -> Iterator[logging.Logger]:
    private_directory(paths.state)
    log.configure(paths)
    logger = logging.getLogger(log.LOGGER)
    try:
        yield logger
    finally:
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()


def test_before_anything_was_logged_it_says_so_and_makes_nothing(at_home: Home) -> None:
    result = at_home.akosha_hook("logs")
    assert result.returncode == 0
    assert result.stdout == ""
    assert "Nothing has been logged yet" in result.stderr
    assert not at_home.paths.state.exists()


def test_the_newest_lines_come_last(at_home: Home) -> None:
    with logging_to(at_home.paths) as logger:
        for number in range(20):
            logger.info("message %d", number)
    output = at_home.akosha_hook("logs", "-n", "3").stdout.splitlines()
    assert [line.rsplit(" ", 1)[1] for line in output] == ["17", "18", "19"]


def test_lines_of_rotated_files_are_counted_too(at_home: Home) -> None:
    with logging_to(at_home.paths) as logger:
        logger.info("before %s", "x" * ROTATE_BYTES)
        logger.info("after")
    assert at_home.paths.log.with_name("akosha.log.1").exists()
    older, newer = at_home.akosha_hook("logs", "-n", "2").stdout.splitlines()
    assert "before" in older
    assert "after" in newer


def test_control_characters_are_escaped(at_home: Home) -> None:
    private_directory(at_home.paths.state)
    at_home.paths.log.write_bytes(b"clear \x1b[2J screen\xff\n")
    output = at_home.akosha_hook("logs").stdout
    assert "\x1b" not in output
    assert r"clear \x1b[2J screen" in output


@contextmanager
def following(home: Home) -> Iterator[Queue[str]]:
    """Lines of `logs -f` as they come."""
    lines: Queue[str] = Queue()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "akosha_hook", "logs", "-f", "-n", "1"],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None

        def read(stream: Iterator[str]) -> None:
            for line in stream:
                lines.put(line)

        reader = threading.Thread(target=read, args=(process.stdout,))
        reader.start()
        try:
            yield lines
        finally:
            process.terminate()
            reader.join(WAIT_SECONDS)


def test_following_goes_on_after_a_rotation(at_home: Home) -> None:
    with logging_to(at_home.paths) as logger:
        logger.info("there already")
        with following(at_home) as lines:
            assert "there already" in lines.get(timeout=WAIT_SECONDS)
            logger.info("while open %s", "x" * ROTATE_BYTES)
            logger.info("in the new file")
            assert "while open" in lines.get(timeout=WAIT_SECONDS)
            assert "in the new file" in lines.get(timeout=WAIT_SECONDS)


def test_following_waits_for_a_log_that_is_not_there_yet(at_home: Home) -> None:
    with following(at_home) as lines, logging_to(at_home.paths) as logger:
        logger.info("the first")
        assert "the first" in lines.get(timeout=WAIT_SECONDS)
