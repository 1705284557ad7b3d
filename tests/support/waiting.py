"""Waiting for something another process does, without guessing how long it takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_SECONDS = 90.0


def until(happened: Callable[[], bool], what: str) -> None:
    """Poll until `happened`; `what` names it where it never does."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.02)
