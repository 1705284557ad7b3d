"""Why a copy could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError, Kind

if TYPE_CHECKING:
    from akosha_hook.duckdb_reader.messages import Failure


class ReadError(AkoshaHookError):
    """A snapshot copy could not be read.

    Only the kind DAMAGED says something about the file. After any other (TOO_NEW, TIMED_OUT,
    FAILED) its state is unknown.
    """


class NotCheckedError(AkoshaHookError):
    """A copy could not be checked here, which says nothing about its state."""


def read_error(failure: Failure) -> ReadError:
    """The error for a failure that the child reported."""
    try:
        kind = Kind(failure.kind)
    except ValueError:
        kind = Kind.FAILED
    hint = "pip install -U duckdb" if kind is Kind.TOO_NEW else ""
    return ReadError(failure.message, hint=hint, kind=kind)
