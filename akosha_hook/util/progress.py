"""What a running sync tells whoever watches: a bar, the log, or another process."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Callbacks from the core; every one may come from any thread."""

    def phase(self, name: str) -> None:
        """`owner`, `snapshot`, `upload`, `manifest`, `akosha`, `prune`, `download`, `check`."""

    def file(self, name: str, total_bytes: int) -> None:
        """Work on `name` begins; `total_bytes` of plain data lie ahead."""

    def advance(self, name: str, plain_bytes: int, wire_bytes: int) -> None:
        """So many more plain bytes of `name` are dealt with, and so many went over the wire."""

    def retry(self, reason: str, attempt: int, delay_seconds: float) -> None:
        """A request failed for a passing reason and is tried again after the delay."""

    def fallback(self, reason: str) -> None:
        """The cloud could not be used; the Akosha server is next."""


class Silent:
    """A Progress that tells nobody."""

    def phase(self, name: str) -> None: ...

    def file(self, name: str, total_bytes: int) -> None: ...

    def advance(self, name: str, plain_bytes: int, wire_bytes: int) -> None: ...

    def retry(self, reason: str, attempt: int, delay_seconds: float) -> None: ...

    def fallback(self, reason: str) -> None: ...
