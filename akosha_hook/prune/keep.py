"""Which uploads the rules keep, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from akosha_hook.catalog import Upload
    from akosha_hook.settings.fields import Settings


@dataclass(frozen=True, slots=True)
class Keep:
    """How many to keep: the newest N, and the newest of each of N days, weeks, months that have one."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    @classmethod
    def by_settings(cls, settings: Settings) -> Keep:
        return cls(
            last=settings.akosha_keep_last,
            daily=settings.akosha_keep_daily,
            weekly=settings.akosha_keep_weekly,
            monthly=settings.akosha_keep_monthly,
        )

    def __bool__(self) -> bool:
        return any((self.last, self.daily, self.weekly, self.monthly))


def kept(complete: Sequence[Upload], keep: Keep) -> dict[str, str]:
    """Ids of the uploads to keep, each with the reason; `complete` is newest first.

    The newest is kept whatever the rules. Days, ISO weeks and months are those of this machine's
    zone.
    """
    reasons: dict[str, list[str]] = {}
    for each in complete[:1]:
        reasons.setdefault(each.upload_id, []).append("newest")
    for each in complete[: keep.last]:
        reasons.setdefault(each.upload_id, []).append("last")
    for name, count, period in (
        ("daily", keep.daily, _day),
        ("weekly", keep.weekly, _week),
        ("monthly", keep.monthly, _month),
    ):
        for each in _one_of_each(complete, count, period):
            reasons.setdefault(each.upload_id, []).append(name)
    return {upload_id: ", ".join(names) for upload_id, names in reasons.items()}


def _one_of_each(
    complete: Sequence[Upload], count: int, period: Callable[[dt.datetime], tuple[int, ...]]
) -> list[Upload]:
    newest: dict[tuple[int, ...], Upload] = {}
    for each in complete:
        newest.setdefault(period(each.at.astimezone()), each)
    return [newest[key] for key in sorted(newest, reverse=True)[:count]]


def _day(when: dt.datetime) -> tuple[int, ...]:
    return when.year, when.month, when.day


def _week(when: dt.datetime) -> tuple[int, ...]:
    year, week, _ = when.isocalendar()
    return year, week


def _month(when: dt.datetime) -> tuple[int, ...]:
    return when.year, when.month
