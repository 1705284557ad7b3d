"""Prune as it is some hours later: what was stored a moment ago is old then."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from unittest import mock

from akosha_hook.prune import age

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.home import Home

HOURS = 2.0
_RUN = """
import runpy, sys, time
from akosha_hook.prune import age
age.now = lambda: time.time() + {seconds}
sys.argv[0] = {module!r}
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


@contextlib.contextmanager
def hours_later(hours: float = HOURS) -> Iterator[None]:
    """The ages that prune sees in this process."""
    with mock.patch.object(age, "now", side_effect=lambda: time.time() + hours * 3600):
        yield


def later(module: str, *arguments: str, hours: float = HOURS) -> list[str]:
    """The command line that runs a module so, in a process of its own."""
    program = _RUN.format(seconds=hours * 3600, module=module)
    return [sys.executable, "-P", "-c", program, *arguments]


def akosha_hook_later(
    home: Home, *arguments: str, hours: float = HOURS
) -> subprocess.CompletedProcess[str]:
    """`home.akosha_hook`, some hours later."""
    return subprocess.run(
        later("akosha_hook", *arguments, hours=hours),
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def work_later(home: Home, *, hours: float = HOURS) -> str:
    """`home.work`, some hours later."""
    done = subprocess.run(
        later("akosha_hook.worker", hours=hours),
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd="/",
    )
    return done.stdout.decode()
