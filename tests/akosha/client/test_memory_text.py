"""What a server says of an error is told without the memories that it quotes."""

from __future__ import annotations

import json

import pytest

from akosha_hook.akosha.client.memory_text import without_memories

MEMORY = "Überraschung: the key lies\nunder the third flower pot"
SENT = {"memories": [{"id": "0123456789abcdef", "text": MEMORY, "metadata": {"n": 1}}]}
ELLIPSIS = "(the rest is left out: it quotes a memory)"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("the store is read-only", "the store is read-only"),
        ("no such row: 0123456789abcdef", "no such row: 0123456789abcdef"),
        (f"ConstraintError: {MEMORY}", f"ConstraintError {ELLIPSIS}"),
        (f"Duplicate key {MEMORY!r} in table", f"Duplicate key {ELLIPSIS}"),
        (f"Failed on {json.dumps(SENT)}", f"Failed on {ELLIPSIS}"),
        (f"row [{json.dumps(MEMORY)}]", f"row {ELLIPSIS}"),
        ("cannot store UNDER  the-third", ELLIPSIS),
        ("near 'flower pot and'", "near 'flower pot and'"),
    ],
)
def test_a_quotation_is_cut_to_the_kind_of_the_error(said: str, told: str) -> None:
    assert without_memories(said, SENT) == told
    assert without_memories(said, json.dumps(SENT).encode()) == told


def test_nothing_sent_is_nothing_quoted() -> None:
    assert without_memories("the key lies under the third", None) == "the key lies under the third"
