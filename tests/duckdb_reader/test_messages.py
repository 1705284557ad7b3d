"""The messages between the child and its parent."""

from __future__ import annotations

import msgspec
import pytest

from akosha_hook.duckdb_reader.messages import (
    Count,
    End,
    Failure,
    Key,
    Keys,
    Message,
    Replayed,
    Row,
    Table,
)
from akosha_hook.errors import Kind


@pytest.mark.parametrize(
    "message",
    [
        Table("conversations_v2", "conversation", 3),
        Keys(0, [Key(7, "id", "0" * 32, empty=False), Key(8, None, "1" * 32, empty=True)]),
        Row(7, "two\nlines\r\n", "[0.5]", 1, {"tags": ["a"]}),
        Row(7, "", None, None, {}),
        Count(3),
        Replayed(replayed=True),
        Failure(Kind.DAMAGED, "a\nb"),
        End(),
    ],
)
def test_a_message_is_one_line_and_is_read_back_as_it_was(message: Message) -> None:
    line = msgspec.json.encode(message)
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=Message) == message
