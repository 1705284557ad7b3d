"""Which rows are selected, and as which memories they are sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from akosha_hook.akosha.acknowledged import Acknowledged, opened
from akosha_hook.akosha.counts import Counts
from akosha_hook.akosha.memory import content_of, identify
from akosha_hook.akosha.rows import EMPTY, NO_ID, RowSelector
from akosha_hook.duckdb_reader import Key, Row, Table
from akosha_hook.paths import Paths

CONVERSATIONS = Table("conversations_v2", "conversation", 4)
KEYS = [Key(n, f"id-{n}", f"{n:032x}", empty=False) for n in range(4)]


@pytest.fixture
def acknowledged(paths: Paths) -> Iterator[Acknowledged]:
    with opened(paths, "http://localhost:8682") as acknowledged:
        yield acknowledged


def test_rows_that_the_server_has_not_acknowledged_are_selected(acknowledged: Acknowledged) -> None:
    acknowledged.remember([identify("mac", CONVERSATIONS, key) for key in KEYS[:3]])
    counts = Counts()
    assert RowSelector("mac", acknowledged, counts).select(CONVERSATIONS, KEYS) == [3]
    assert counts.known == 3


def test_what_another_system_has_sent_is_still_selected(acknowledged: Acknowledged) -> None:
    acknowledged.remember([identify("other", CONVERSATIONS, key) for key in KEYS])
    counts = Counts()
    assert RowSelector("mac", acknowledged, counts).select(CONVERSATIONS, KEYS) == [0, 1, 2, 3]
    assert counts.known == 0


def test_rows_without_text_or_id_are_skipped_and_counted(acknowledged: Acknowledged) -> None:
    counts = Counts()
    keys = [
        Key(0, "id", "0" * 32, empty=True),
        Key(1, None, "0" * 32, empty=False),
        Key(2, "", "0" * 32, empty=False),
    ]
    assert RowSelector("mac", acknowledged, counts).select(CONVERSATIONS, keys) == []
    assert counts.skipped == {EMPTY: 1, NO_ID: 2}


def test_a_selected_row_becomes_the_memory_that_its_key_identifies(
    acknowledged: Acknowledged,
) -> None:
    selector = RowSelector("mac", acknowledged, Counts())
    selector.select(CONVERSATIONS, KEYS)
    memory = selector.memory(Row(2, "text", "[0.5]", 0, {}))
    assert memory.id == identify("mac", CONVERSATIONS, KEYS[2])
    assert memory.text == "text"
    assert memory.embedding == "[0.5]"
    metadata = memory.document["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["original_id"] == "id-2"
    assert metadata["type"] == "conversation"
    assert metadata["source"] == "mac"


DATED = [Key(n, f"id-{n}", f"{n:032x}", empty=False, created=n) for n in range(4)]
# After `session-buddy migrate`: another table, other ids.
MIGRATED = [Key(n, f"{n:032x}7", f"{n:032x}", empty=False, created=n) for n in range(4)]
CONVERSATIONS_AFTER = Table("conversations", "conversation", 4)


def ids(keys: list[Key]) -> list[bytes]:
    return [identify("mac", CONVERSATIONS, key) for key in keys]


def listed(keys: list[Key]) -> dict[bytes, bytes]:
    contents = {content_of("mac", CONVERSATIONS, key): key for key in keys}
    return {each: ids([key])[0] for each, key in contents.items() if each is not None}


def test_a_row_with_another_id_is_known_by_what_it_says(acknowledged: Acknowledged) -> None:
    acknowledged.remember(ids(DATED[:3]), listed(DATED[:3]))
    counts = Counts()
    selector = RowSelector("mac", acknowledged, counts)
    assert selector.select(CONVERSATIONS_AFTER, MIGRATED) == [3]
    assert counts.known == 3


def test_what_0_1_0_acknowledged_is_known_and_listed_by_what_it_says(
    acknowledged: Acknowledged,
) -> None:
    acknowledged.remember(ids(DATED))
    selector = RowSelector("mac", acknowledged, Counts())
    assert selector.select(CONVERSATIONS, DATED, samples=3) == []
    assert acknowledged.ids_of(list(listed(DATED))) == listed(DATED)
    assert len(selector.select(CONVERSATIONS, DATED, samples=3)) == 3
    assert RowSelector("mac", acknowledged, Counts()).select(CONVERSATIONS_AFTER, MIGRATED) == []


def test_a_row_that_was_forgotten_is_sent_under_its_first_id(acknowledged: Acknowledged) -> None:
    acknowledged.remember(ids(DATED), listed(DATED))
    acknowledged.forget()
    selector = RowSelector("mac", acknowledged, Counts())
    assert selector.select(CONVERSATIONS_AFTER, MIGRATED) == [0, 1, 2, 3]
    memory = selector.memory(Row(2, "text", None, 0, {}))
    assert memory.id == ids(DATED)[2]
    assert memory.document["metadata"]["original_id"] == MIGRATED[2].id  # type: ignore[index]


def test_a_row_whose_time_changed_is_known_by_its_id(acknowledged: Acknowledged) -> None:
    acknowledged.remember(ids(DATED), listed(DATED))
    later = [Key(n, f"id-{n}", f"{n:032x}", empty=False, created=n + 100) for n in range(4)]
    assert RowSelector("mac", acknowledged, Counts()).select(CONVERSATIONS, later) == []
    assert acknowledged.ids_of(list(listed(later))) == listed(later)


@pytest.mark.parametrize(
    ("created", "other", "selected"), [(5, 5, [0]), (5, 6, [0, 1]), (None, None, [0, 1])]
)
def test_the_same_words_are_one_memory_if_they_are_of_the_same_time(
    acknowledged: Acknowledged, created: int | None, other: int | None, selected: list[int]
) -> None:
    keys = [
        Key(0, "old", "0" * 32, empty=False, created=created),
        Key(1, "new", "0" * 32, empty=False, created=other),
    ]
    counts = Counts()
    assert RowSelector("mac", acknowledged, counts).select(CONVERSATIONS, keys) == selected
    assert counts.known == 2 - len(selected)


def test_a_row_that_waits_to_be_sent_is_not_selected_again(acknowledged: Acknowledged) -> None:
    waiting = set(listed(DATED[:2]))
    selector = RowSelector("mac", acknowledged, Counts(), waiting.__contains__)
    assert selector.select(CONVERSATIONS_AFTER, MIGRATED) == [2, 3]


def test_samples_are_rows_that_the_server_has(acknowledged: Acknowledged) -> None:
    acknowledged.remember(ids(DATED[:3]), listed(DATED[:3]))
    counts = Counts()
    selector = RowSelector("mac", acknowledged, counts)
    rowids = selector.select(CONVERSATIONS_AFTER, MIGRATED, samples=2)
    assert len(rowids) == 3
    assert counts.known == 3
    for rowid in rowids:
        row = Row(rowid, "text", None, 0, {})
        assert selector.is_sample(row) == (rowid != 3)
        assert selector.memory(row).id == ids(MIGRATED if rowid == 3 else DATED)[rowid]
    assert len(selector.select(CONVERSATIONS_AFTER, MIGRATED, samples=9)) == 4
