from __future__ import annotations

import datetime as dt

from akosha_hook.catalog import Upload
from akosha_hook.format import manifest
from akosha_hook.prune.keep import Keep, kept


def _upload(sequence: int, when: dt.datetime) -> Upload:
    details = manifest.Details(
        schema=1,
        tool="test",
        system_id="laptop",
        machine_id="m",
        upload_id=f"u{sequence}",
        sequence=sequence,
    )
    document = manifest.Manifest(
        uploaded_at=when.isoformat(),
        conversation_count=0,
        total_size_bytes=0,
        files=(),
        metadata=details,
    )
    return Upload("laptop", f"u{sequence}", (), document)


def _series(count: int, apart: dt.timedelta) -> list[Upload]:
    """Newest first: u1 is the newest."""
    newest = dt.datetime(2026, 3, 31, 12).astimezone()
    return [_upload(number + 1, newest - number * apart) for number in range(count)]


def test_the_newest_stays_whatever_the_rules() -> None:
    assert kept(_series(3, dt.timedelta(hours=1)), Keep(monthly=0)) == {"u1": "newest"}


def test_last_keeps_so_many() -> None:
    reasons = kept(_series(5, dt.timedelta(hours=1)), Keep(last=3))
    assert list(reasons) == ["u1", "u2", "u3"]


def test_daily_keeps_the_newest_of_each_day_that_has_one() -> None:
    reasons = kept(_series(10, dt.timedelta(hours=8)), Keep(daily=3))
    # 12:00 and 04:00 on the 31st, 20:00, 12:00, 04:00 on the 30th, and so on.
    assert list(reasons) == ["u1", "u3", "u6"]


def test_weekly_and_monthly_count_weeks_and_months_not_uploads() -> None:
    reasons = kept(_series(100, dt.timedelta(days=1)), Keep(weekly=2, monthly=3))
    # 2026-03-31 is a Tuesday: the week before ends on Sunday the 29th.
    assert reasons == {
        "u1": "newest, weekly, monthly",
        "u3": "weekly",
        "u32": "monthly",
        "u60": "monthly",
    }


def test_a_day_without_uploads_costs_no_place() -> None:
    reasons = kept(_series(3, dt.timedelta(days=10)), Keep(daily=3))
    assert len(reasons) == 3
