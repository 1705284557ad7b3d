"""Sleeps that take no time: hours in a moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

MOST = 5000


@dataclass
class PassingTime:
    """`slept` is every sleep in seconds; `meanwhile` happens at the first sleeps, one at each.

    `set_back` is by how many seconds somebody has set the clock back.
    """

    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    set_back: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        assert len(self.slept) < MOST, "this spins"
        if self.meanwhile:
            self.meanwhile.pop(0)()


def passing_time(patch: pytest.MonkeyPatch, module: str) -> PassingTime:
    """Put the clocks that `module` looks at, and its sleeps, under the test's control."""
    passing = PassingTime()
    clocks = SimpleNamespace(
        time=lambda: time.time() + sum(passing.slept) - passing.set_back,
        monotonic=lambda: time.monotonic() + sum(passing.slept),
        sleep=passing.sleep,
    )
    patch.setattr(f"{module}.time", clocks)
    return passing
