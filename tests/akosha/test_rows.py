"""Which rows are selected, and as which memories they are sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from akosha_hook.akosha.acknowledged import Acknowledged, opened
from akosha_hook.akosha.counts import Counts
from akosha_hook.akosha.memory import identify
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
