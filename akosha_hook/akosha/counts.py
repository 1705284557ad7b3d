"""What became of every row, as it is told in receipts and messages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from akosha_hook.akosha.client.failures import quoted

MAX_REASONS = 10
OTHER = "other reasons"


@dataclass(slots=True)
class Tally:
    """Counts of rows. `known` were acknowledged earlier and not sent again."""

    stored: int = 0
    already_stored: int = 0
    known: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    not_carried: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str, rows: int = 1) -> None:
        _count(self.skipped, reason, rows)

    def fail(self, reason: str, rows: int = 1) -> None:
        _count(self.failed, reason, rows)

    @property
    def failures(self) -> int:
        return self.failed.total()

    def details(self) -> dict[str, Any]:
        """For the receipt; keys are only ever added."""
        return {
            "stored": self.stored,
            "already_stored": self.already_stored,
            "known": self.known,
            "skipped": dict(self.skipped),
            "failed": dict(self.failed),
            "not_carried": dict(self.not_carried),
        }

    def notes(self) -> tuple[str, ...]:
        """What a user should hear of although nothing failed."""
        notes = []
        if self.skipped:
            reasons = "; ".join(f"{reason} ({n})" for reason, n in self.skipped.most_common())
            notes.append(f"{self.skipped.total()} memories were skipped: {reasons}")
        if self.not_carried:
            tables = ", ".join(f"{n} {name}" for name, n in self.not_carried.items())
            notes.append(f"Akosha has no tool for a knowledge graph, so {tables} were not carried")
        return tuple(notes)


def _count(reasons: Counter[str], reason: str, rows: int) -> None:
    """Reasons come from a server, which may put anything into them: their number is bounded."""
    short = quoted(reason)
    if short not in reasons and len(reasons) >= MAX_REASONS:
        short = OTHER
    reasons[short] += rows
