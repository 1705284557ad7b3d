"""What can go wrong, as a user should hear of it: what failed, what to do next, which exit code.

Code decides by `kind`, never by the words of a message: those are made once, for people.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
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


class Kind(StrEnum):
    """Why something failed."""

    FAILED = "failed"  # anything that no code has to tell apart
    UNAUTHENTICATED = "unauthenticated"  # the credentials themselves are not accepted
    DENIED = "denied"
    MISSING = "missing"
    STORE_MISSING = "store missing"  # the bucket itself is not there
    OUT_OF_RANGE = "out of range"
    OCCUPIED = "occupied"  # something else is stored there, and is not overwritten
    LOST = "lost"  # what was stored before, and is to be referred to, is gone
    STALE = "stale"  # what was begun can no longer be continued
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed out"
    THROTTLED = "throttled"
    DAMAGED = "damaged"
    INVALID = "invalid"
    UNSUPPORTED = "unsupported"
    BAD_ANSWER = "bad answer"  # not one that the server's protocol has
    TOO_NEW = "too new"  # written by a version that this one does not understand
    BUSY = "busy"
    FULL = "full"
    INTERRUPTED = "interrupted"
    UNCONFIRMED = "unconfirmed"  # not where the user has confirmed that memories may go


class AkoshaHookError(Exception):
    """The base of every error a user may see.

    `message` says what failed and why, `hint` what to type or change next (may be empty). `remedy`
    is the hint without `doctor`, the advice to run `akosha-hook doctor`, for doctor itself to show.
    `details` is for the receipt: what was done before it failed. With `lines`, line breaks in message
    and hint are ours, and have been escaped in what is not; without, they are escaped where shown.
    """

    kind: Kind = Kind.FAILED
    exit_code: ExitCode = ExitCode.FAILED

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        doctor: str = "",
        kind: Kind | None = None,
        exit_code: ExitCode | None = None,
        lines: bool = False,
    ) -> None:
        super().__init__(message)
        self.lines = lines
        self.message = message
        self.remedy = hint
        self.hint = f"{hint} {doctor}".strip()
        self.details: dict[str, Any] = {}
        if kind is not None:
            self.kind = kind
        if exit_code is not None:
            self.exit_code = exit_code


class SettingsError(AkoshaHookError):
    """A setting that cannot be used; the message names file, key, value and what is allowed."""

    kind = Kind.INVALID
    exit_code = ExitCode.SETTINGS


class UnconfirmedError(AkoshaHookError):
    """The settings lead where the user has not confirmed that memories may go.

    `hint` says how to confirm it.
    """

    kind = Kind.UNCONFIRMED
    exit_code = ExitCode.SETTINGS


class CredentialsError(AkoshaHookError):
    """No credentials, wrong ones, or not enough permission."""

    kind = Kind.DENIED
    exit_code = ExitCode.CREDENTIALS


class UnreachableError(AkoshaHookError):
    """A server that does not answer, or not in time."""

    kind = Kind.UNREACHABLE
    exit_code = ExitCode.UNREACHABLE


class DamagedError(AkoshaHookError):
    """Stored data that is not what its manifest promises."""

    kind = Kind.DAMAGED
    exit_code = ExitCode.DAMAGED


class BusyError(AkoshaHookError):
    """Something else holds what is needed: a database, or the sync lock."""

    kind = Kind.BUSY


class NothingToBackUpError(AkoshaHookError):
    """No database is there; waiting does not bring one."""

    kind = Kind.MISSING
    exit_code = ExitCode.SETTINGS


class DeliveryError(UnreachableError):
    """A request to a server that failed.

    `code` is the server's own word (`SlowDown`, `AccessDenied`, ...), for receipts and reports.
    `retryable` says whether the same request may succeed later. `request_id` helps the provider's
    support.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        doctor: str = "",
        kind: Kind | None = None,
        code: str = "",
        retryable: bool = False,
        request_id: str = "",
        exit_code: ExitCode | None = None,
    ) -> None:
        super().__init__(message, hint=hint, doctor=doctor, kind=kind, exit_code=exit_code)
        self.code = code
        self.retryable = retryable
        self.request_id = request_id


class ForeignListenerError(DeliveryError):
    """Another user of this machine listens where a server is expected; nothing was sent."""

    kind = Kind.DENIED

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint, code="foreign-listener")


class DeadlinePassedError(DeliveryError):
    """`akosha_upload_timeout_seconds` is over; what is stored by then is continued next time.

    `server` is the one that was waited for, as `host:port`.
    """

    kind = Kind.TIMED_OUT

    def __init__(self, seconds: float, server: str = "") -> None:
        waited_for = f" It was waiting for {server}." if server else ""
        super().__init__(
            f"Upload timed out after {seconds:g} s.{waited_for}",
            hint="Raise akosha_upload_timeout_seconds (it is in seconds).",
            code="timeout",
            retryable=True,
        )
        self.seconds = seconds
