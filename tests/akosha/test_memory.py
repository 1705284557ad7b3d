from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.akosha.memory import embeddable, identify, memory_of
from akosha_hook.duckdb_reader import Key, Row, Table

CONVERSATIONS = Table("conversations_v2", "conversation", 1)
REFLECTIONS = Table("reflections_v2", "reflection", 1)
NAME = st.text(max_size=5)
PARTS = st.tuples(NAME, st.sampled_from([CONVERSATIONS, REFLECTIONS]), NAME, NAME)


def id_of(parts: tuple[str, Table, str, str]) -> bytes:
    system_id, table, id_, digest = parts
    return identify(system_id, table, Key(0, id_, digest, empty=False))


@given(PARTS, PARTS)
def test_memories_share_an_id_only_when_system_kind_id_and_text_are_the_same(
    one: tuple[str, Table, str, str], other: tuple[str, Table, str, str]
) -> None:
    assert (id_of(one) == id_of(other)) == (one == other)


def test_an_id_is_the_same_in_every_version() -> None:
    """Another rule would send every memory of every user a second time."""
    key = Key(5, "6c9940d7a36fd9d2", "0" * 32, empty=False)
    assert identify("mac", CONVERSATIONS, key).hex() == "728efe9ea7fad23508ab827e3223d237"


def row(created_us: int | None = 0, **columns: object) -> Row:
    return Row(0, "text", None, created_us, dict(columns))


def metadata_of(row: Row) -> dict[str, str]:
    memory = memory_of(row, id_=b"\1" * 16, original_id="o", kind="reflection", system_id="mac")
    document = json.loads(memory.encode("[0.5]"))
    assert document["memory_id"] == "01" * 16
    assert document["embedding"] == [0.5]
    metadata: dict[str, str] = document["metadata"]
    return metadata


def test_metadata_says_where_a_memory_comes_from() -> None:
    metadata = metadata_of(
        row(1_782_907_200_500_000, project="web", source="forged", type="forged")
    )
    assert metadata == {
        "project": "web",
        "source": "mac",
        "original_id": "o",
        "type": "reflection",
        "created_at": "2026-07-01T12:00:00.500000+00:00",
    }


@pytest.mark.parametrize("created", [None, 2**62, -(2**62)])
def test_a_time_that_datetime_cannot_represent_becomes_now(created: int | None) -> None:
    before = datetime.now(UTC)
    created_at = datetime.fromisoformat(metadata_of(row(created))["created_at"])
    assert before <= created_at <= datetime.now(UTC) + timedelta(seconds=1)


@given(st.text())
def test_any_text_becomes_one_that_the_embedding_tool_accepts(text: str) -> None:
    accepted = embeddable(text * 3000)
    assert len(accepted) <= 10_000
    assert "\0" not in accepted
