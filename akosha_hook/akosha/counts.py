"""How many rows were stored, skipped or refused, for receipts and messages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from akosha_hook.akosha.client.failures import quoted

MAX_REASONS = 10
OTHER = "other reasons"


@dataclass(slots=True)
class Counts:
    """Counts of rows. `known` were acknowledged earlier and not sent again.

    `skipped` and `failed` count rows by reason, `not_carried` counts them by table.
    """

    stored: int = 0
    already_stored: int = 0
    known: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    not_carried: Counter[str] = field(default_factory=Counter)

    def skip(self, reason: str, rows: int = 1) -> None:
        _count(self.skipped, reason, rows)

    def fail(self, reason: str, rows: int = 1) -> None:
        _count(self.failed, reason, rows)

    @property
    def failures(self) -> int:
        return self.failed.total()

    def details(self) -> dict[str, Any]:
        """For the receipt. Its keys are a contract: new ones may be added, none removed."""
        return {
            "stored": self.stored,
            "already_stored": self.already_stored,
            "known": self.known,
            "skipped": dict(self.skipped),
            "failed": dict(self.failed),
            "not_carried": dict(self.not_carried),
        }

    def notes(self) -> tuple[str, ...]:
        """What the user should know although nothing failed."""
        notes = []
        if self.skipped:
            skipped = self.skipped.total()
            reasons = "; ".join(f"{reason} ({n})" for reason, n in self.skipped.most_common())
            notes.append(f"{memories(skipped)} {was(skipped)} skipped: {reasons}")
        if self.not_carried:
            tables = ", ".join(f"{n} {name}" for name, n in self.not_carried.items())
            notes.append(f"Akosha has no tool for knowledge graphs, so {tables} were not sent")
        return tuple(notes)


def memories(count: int) -> str:
    return f"{count} memory" if count == 1 else f"{count} memories"


def was(count: int) -> str:
    return "was" if count == 1 else "were"


def _count(reasons: Counter[str], reason: str, rows: int) -> None:
    """Count `rows` under `reason`. A server may send any text, so the number of keys is bounded."""
    short = quoted(reason)
    if short not in reasons and len(reasons) >= MAX_REASONS:
        short = OTHER
    reasons[short] += rows
