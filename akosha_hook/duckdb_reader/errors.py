"""Why rows could not be read."""

from __future__ import annotations

from enum import Enum

from akosha_hook.errors import AkoshaHookError


class Trouble(Enum):
    """What stopped the reader.

    Only DAMAGED says something about the file; the others mean that nobody knows.
    """

    DAMAGED = "damaged"
    TOO_NEW = "too-new"
    MEMORY = "memory"
    TIME = "time"
    READER = "reader"


class ReadError(AkoshaHookError):
    """A snapshot copy that could not be read; `trouble` says whose fault it is."""

    def __init__(self, trouble: Trouble, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.trouble = trouble
