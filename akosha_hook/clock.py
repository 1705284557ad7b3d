"""Times as receipts and names carry them: UTC."""

from __future__ import annotations

import datetime as dt


def now_iso() -> str:
    """ISO 8601 with zone and milliseconds."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def stamp() -> str:
    """`YYYYMMDD_HHMMSS`, the beginning of an upload id."""
    return dt.datetime.now(dt.UTC).strftime("%Y%m%d_%H%M%S")
