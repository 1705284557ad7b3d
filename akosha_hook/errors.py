"""What can go wrong, as a user should hear of it: what failed, what to do next, which exit code."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Exit codes of every command; `run` and the hooks always exit 0."""

    OK = 0
    FAILED = 1
    USAGE = 2
    SETTINGS = 3
    CREDENTIALS = 4
    UNREACHABLE = 5
    DAMAGED = 6
    INTERRUPTED = 130


class AkoshaHookError(Exception):
    """The base of every error a user may see.

    `message` says what failed and why, `hint` what to type or change next (may be empty).
    `details` is for the receipt: what was done before it failed.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "", exit_code: ExitCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = {}
        if exit_code is not None:
            self.exit_code = exit_code


class SettingsError(AkoshaHookError):
    """A setting that cannot be used; the message names file, key, value and what is allowed."""

    exit_code = ExitCode.SETTINGS


class CredentialsError(AkoshaHookError):
    """No credentials, wrong ones, or not enough permission."""

    exit_code = ExitCode.CREDENTIALS


class UnreachableError(AkoshaHookError):
    """A server that does not answer, or not in time."""

    exit_code = ExitCode.UNREACHABLE


class DamagedError(AkoshaHookError):
    """Stored data that is not what its manifest promises."""

    exit_code = ExitCode.DAMAGED


class BusyError(AkoshaHookError):
    """Something else holds what is needed: a database, or the sync lock."""


class NothingToBackUpError(AkoshaHookError):
    """No database is there; waiting does not bring one."""
