"""What is remembered of changed and planted uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.state import tampering
from akosha_hook.state.tampering import MAX_FINDINGS, Finding, Tampering

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

WHERE = tampering.place("https://s3.example", "memories", "laptop")


def test_it_is_remembered_by_place_and_goes_when_nothing_is_found(paths: Paths) -> None:
    seen = Tampering(at=1.0, findings=(Finding("u", "changed"),))
    tampering.remember(paths, WHERE, seen)
    assert tampering.last(paths, WHERE) == seen
    assert tampering.last(paths, "elsewhere") is None
    tampering.remember(paths, WHERE, Tampering(at=2.0))
    assert tampering.last(paths, WHERE) is None


def test_nothing_is_written_where_nothing_was_found(paths: Paths) -> None:
    tampering.remember(paths, WHERE, Tampering(at=1.0))
    assert not paths.tampering.exists()


def test_any_number_of_findings_takes_no_more_room(paths: Paths) -> None:
    many = tuple(Finding(f"u{number}", "planted") for number in range(1000))
    tampering.remember(paths, WHERE, Tampering(at=1.0, findings=many))
    seen = tampering.last(paths, WHERE)
    assert seen is not None
    assert (len(seen.findings), seen.more) == (MAX_FINDINGS, 1000 - MAX_FINDINGS)
    assert "(u0: planted, and 999 more)" in tampering.sentence(seen)


def test_what_is_not_ours_to_read_counts_for_nothing(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    paths.tampering.write_text('{"x": 1}')
    assert tampering.last(paths, WHERE) is None
