"""Times in receipts and upload ids: UTC."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta

# The year 3000. No clock wrote a later time, and it would overflow where it is read.
MAX_EPOCH = 32_503_680_000
Epoch = Annotated[float, Meta(ge=0, le=MAX_EPOCH)]


def now_iso() -> str:
    """ISO 8601 with zone and milliseconds."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def stamp(at: float | None = None) -> str:
    """`YYYYMMDD_HHMMSS`, the start of an upload id: now, or at `at` (epoch seconds)."""
    when = dt.datetime.now(dt.UTC) if at is None else dt.datetime.fromtimestamp(at, dt.UTC)
    return when.strftime("%Y%m%d_%H%M%S")


def minute(iso: str) -> str:
    """What `now_iso` wrote, for people: `2026-11-20 14:03 UTC`; as it is where it is no time."""
    try:
        when = dt.datetime.fromtimestamp(epoch(iso), dt.UTC)
    except ValueError:
        return iso
    return f"{when:%Y-%m-%d %H:%M} UTC"


def epoch(iso: str) -> float:
    """Epoch seconds of what `now_iso` wrote; UTC where it names no zone.

    Raises ValueError for what is no time, or none between 1970 and 3000.
    """
    when = dt.datetime.fromisoformat(iso)
    if not 1970 <= when.year < 3000:  # noqa: PLR2004
        raise ValueError(f"{iso[:40]!r} is no time of ours")
    return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()
