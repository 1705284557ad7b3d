"""Times as users type them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import click

_AGO = re.compile(r"(\d{1,6})\s*([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class When(click.ParamType):  # type: ignore[type-arg]
    """A date, a date and time, or an age (`90m`, `12h`, `3d`, `2w`); local time without an offset.

    A date alone means its end with `end_of_day`, else its beginning.
    """

    name = "time"

    def __init__(self, *, end_of_day: bool = False) -> None:
        self._end_of_day = end_of_day

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.datetime:
        if isinstance(value, dt.datetime):
            return value
        text = str(value).strip()
        try:
            if age := _AGO.fullmatch(text):
                ago = dt.timedelta(seconds=int(age.group(1)) * _SECONDS[age.group(2)])
                return dt.datetime.now().astimezone() - ago
            when = dt.datetime.fromisoformat(text)
            if self._end_of_day and len(text) == len("2026-11-22"):
                when = dt.datetime.combine(when, dt.time.max)
            return when.astimezone()
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is not a time; use 2026-11-22, '2026-11-22 14:30', 12h or 3d.",
                param,
                ctx,
            )


def local(when: dt.datetime) -> str:
    """`2026-11-22 14:30`, in this machine's zone."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")
