"""A parser of server-sent events that keeps the data of each event, which is all that MCP uses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventStream:
    """Parses a stream of events that arrives in chunks."""

    def __init__(self) -> None:
        self._buffer = b""
        self._searched = 0
        # One buffer: a list of a million empty lines would take many times their size.
        self._data: bytearray | None = None

    def feed(self, received: bytes) -> Iterator[bytes]:
        """The data of every event that `received` completes; events without data are skipped."""
        self._buffer += received
        start = 0
        while end := _LINE_END.search(self._buffer, max(start, self._searched)):
            if end.group() == b"\r" and end.end() == len(self._buffer):
                break  # its line feed may be in the next chunk
            line = self._buffer[start : end.start()]
            start = end.end()
            self._searched = 0
            if line:
                self._field(line)
            elif self._data is not None:
                yield bytes(self._data)
                self._data = None
        self._buffer = self._buffer[start:]
        self._searched = max(0, len(self._buffer) - 1)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name != b"data":
            return
        if self._data is None:
            self._data = bytearray()
        else:
            self._data += b"\n"
        self._data += value.removeprefix(b" ")
