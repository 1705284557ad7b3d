"""The last upload before conversations went missing."""

from __future__ import annotations

from akosha_hook.catalog import Upload
from akosha_hook.format import manifest
from akosha_hook.prune.collapse import before_collapse


def upload(name: str, count: int, *, counted: bool = True, sequence: int = 1) -> Upload:
    details = manifest.Details(
        schema=1,
        tool="test",
        system_id="laptop",
        machine_id="m",
        upload_id=name,
        sequence=sequence,
        conversations_counted=counted,
    )
    document = manifest.Manifest(
        uploaded_at="2026-01-01T00:00:00+00:00",
        conversation_count=count,
        total_size_bytes=0,
        files=(),
        metadata=details,
    )
    return Upload("laptop", name, (), document)


def kept(*uploads: Upload) -> str:
    fallen = before_collapse(uploads)
    return fallen.upload.upload_id if fallen else ""


def test_the_newest_with_twice_as_many_as_a_later_one_stays() -> None:
    assert (
        kept(upload("now", 5), upload("low", 4), upload("before", 8), upload("old", 9)) == "before"
    )
    assert kept(upload("now", 0), upload("before", 1)) == "before"
    fallen = before_collapse([upload("now", 400), upload("before", 1200)])
    assert fallen is not None
    assert fallen.reason == "has 1,200 conversations, a later one 400"


def test_fewer_by_less_than_half_is_tidying_up() -> None:
    assert kept(upload("now", 5), upload("before", 9)) == ""
    assert kept(upload("now", 9), upload("before", 5)) == ""
    assert kept(upload("now", 0), upload("before", 0)) == ""
    assert kept() == ""


def test_what_was_not_counted_says_nothing() -> None:
    assert kept(upload("now", 0, counted=False), upload("before", 9)) == ""
    assert kept(upload("now", 1), upload("before", 9, counted=False)) == ""


def test_what_went_missing_before_the_user_looked_keeps_nothing() -> None:
    uploads = [
        upload("now", 9, sequence=4),
        upload("low", 10, sequence=3),
        upload("before", 100, sequence=2),
    ]
    assert before_collapse(uploads, accepted=3) is None
    uploads.insert(0, upload("lower", 2, sequence=5))
    fallen = before_collapse(uploads, accepted=3)
    assert fallen is not None
    assert fallen.upload.upload_id == "now"
