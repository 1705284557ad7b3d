"""What counts tell a receipt and a user."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.akosha.client.failures import quoted
from akosha_hook.akosha.counts import MAX_REASONS, OTHER, Counts


def test_details_have_every_key_also_where_nothing_was_counted() -> None:
    """The keys are documented in docs/akosha.md."""
    assert Counts().details() == {
        "stored": 0,
        "already_stored": 0,
        "known": 0,
        "skipped": {},
        "failed": {},
        "not_carried": {},
    }


def test_reasons_are_counted_each_on_its_own() -> None:
    counts = Counts()
    counts.fail("no room")
    counts.fail("no room", 2)
    counts.fail("read-only")
    counts.skip("empty text")
    assert counts.failures == 4
    assert counts.details()["failed"] == {"no room": 3, "read-only": 1}
    assert counts.details()["skipped"] == {"empty text": 1}


@given(st.lists(st.text(), max_size=60))
def test_a_server_that_invents_reasons_fills_no_receipt(reasons: list[str]) -> None:
    counts = Counts()
    for reason in reasons:
        counts.fail(reason)
    assert counts.failures == len(reasons)
    assert len(counts.failed) <= MAX_REASONS + 1
    assert set(counts.failed) - {OTHER} <= {quoted(reason) for reason in reasons}
    assert all(len(reason) <= 4 * 200 + 3 for reason in counts.failed)


def test_without_skipped_rows_and_graphs_there_is_no_note() -> None:
    counts = Counts(stored=5, already_stored=1, known=7)
    counts.fail("no room")
    assert counts.notes() == ()


def test_notes_name_what_was_skipped_and_not_sent() -> None:
    counts = Counts()
    counts.skip("no id")
    assert counts.notes() == ("1 memory was skipped: no id (1)",)
    counts.skip("empty text", 2)
    counts.not_carried.update({"kg_entities": 7, "kg_relationships": 9})
    assert counts.notes() == (
        "3 memories were skipped: empty text (2); no id (1)",
        "Akosha has no tool for knowledge graphs, so 7 kg_entities, 9 kg_relationships were not sent",
    )
