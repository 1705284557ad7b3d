"""A restore whose network a test cuts: what was asked for, and what is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError
from akosha_hook.restore import Restored, RestoreRequest
from akosha_hook.restore.staging import KEPT
from tests.support import faults
from tests.support.faults import Exchange, FaultyProxy
from tests.support.home import Home
from tests.support.recovery import context

RANGE = 64 * 1024
WHOLE = 10 * RANGE + 123
NAMES = ("one.duckdb", "two.duckdb")


@dataclass
class Scene:
    """A home whose bucket lies behind `proxy`; `asked` are the ranges of objects it was asked."""

    home: Home
    proxy: FaultyProxy
    before: dict[str, bytes]
    asked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def kept(self) -> Path:
        return self.home.paths.data / KEPT

    def restore(self) -> Restored:
        """By force: DuckDB finds bytes drawn at random damaged."""
        return restore.restore(RestoreRequest(force=True), context(self.home.paths))

    def fail_from(self, name: str, offset: int, fault: Callable[[Exchange], None]) -> None:
        """From now on note what is asked for; requests from `offset` of `name` on meet `fault`."""

        def note(exchange: Exchange) -> None:
            match = re.search(rb"(?im)^range: bytes=(\d+)-", exchange.head)
            begin = int(match[1]) if match else 0
            asked = exchange.asked.path.rsplit("/", 1)[1]
            self.asked.append((asked, begin))
            affected = asked == name and begin >= offset
            (fault if affected else faults.passed)(exchange)

        self.proxy.heal()
        self.proxy.on("GetObject", fault=note)

    def heal(self) -> None:
        self.asked.clear()
        self.fail_from("", 0, faults.passed)


def cut(exchange: Exchange) -> None:
    """Half of the answer comes."""
    answer = exchange.forward()
    exchange.client.sendall(answer[: len(answer) // 2])
    exchange.reset()


def interrupted(scene: Scene, name: str = "two.duckdb", offset: int = 4 * RANGE) -> None:
    scene.fail_from(name, offset, cut)
    with pytest.raises(AkoshaHookError) as caught:
        scene.restore()
    assert "Run the same command again to continue" in caught.value.hint
    assert str(scene.kept) in caught.value.hint
    scene.heal()


def from_(name: str, offset: int) -> list[tuple[str, int]]:
    return [(name, each) for each in range(offset, WHOLE, RANGE)]
