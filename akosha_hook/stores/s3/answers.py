"""Single values of a server's answers: in the form that we use, and within bounds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from akosha_hook.util.clock import MAX_EPOCH

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

MAX_OBJECT_BYTES = 10**15
_CONTENT_RANGE = re.compile(r"bytes \d+-\d+/(\d{1,15})")


def size(value: object) -> int:
    """A size in bytes; raises ValueError for one that no object has."""
    size = int(str(value or 0))
    if not 0 <= size <= MAX_OBJECT_BYTES:
        raise ValueError("no size")
    return size


def total(headers: Mapping[str, str]) -> int | None:
    """An object's size by the Content-Range of an answer."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    return int(match.group(1)) if match else None


def moment(value: dt.datetime | None) -> float:
    """Epoch seconds, 0 where the server does not say, or says what no calendar has."""
    moment = value.timestamp() if value else 0.0
    return moment if 0 <= moment <= MAX_EPOCH else 0.0


def etag(value: object) -> str:
    """An ETag without its quotes; "" where there is none."""
    return str(value or "").strip('"')


def some(value: str | None, what: str) -> str:
    """A text that has to be there; raises ValueError where it is not."""
    if not value:
        raise ValueError(f"no {what}")
    return value
