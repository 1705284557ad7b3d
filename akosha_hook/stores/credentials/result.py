"""What a credential source comes back with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from akosha_hook.util.secret import Secret


@dataclass(frozen=True, slots=True)
class CredentialsWarning:
    """Something about usable keys that their owner should change, and how."""

    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.message}: {self.fix}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys, and where they came from in words that give nothing away.

    `expires_at` is None where the source does not say. `warnings` are for `status` and `doctor`.
    """

    access_key: Secret
    secret_key: Secret
    session_token: Secret | None
    source: str
    expires_at: datetime | None = None
    warnings: tuple[CredentialsWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class NotFound:
    """A place that was searched, and why it has no keys."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place} ({self.reason})"
