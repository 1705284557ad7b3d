"""Server-sent events, as far as MCP uses them: the data of each event."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventStream:
    """Feed it what arrives; it gives the data of every event that is complete by then."""

    def __init__(self) -> None:
        self._buffer = b""
        self._searched = 0
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> Iterator[bytes]:
        """The data of the events that `received` completes; events without data are left out."""
        self._buffer += received
        start = 0
        while end := _LINE_END.search(self._buffer, max(start, self._searched)):
            if end.group() == b"\r" and end.end() == len(self._buffer):
                break  # the line feed that belongs to it may follow
            line = self._buffer[start : end.start()]
            start = end.end()
            self._searched = 0
            if line:
                self._field(line)
            elif self._data:
                yield b"\n".join(self._data)
                self._data = []
        self._buffer = self._buffer[start:]
        self._searched = max(0, len(self._buffer) - 1)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
