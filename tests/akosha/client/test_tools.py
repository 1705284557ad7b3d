from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.akosha.client.batches import Batch
from akosha_hook.akosha.client.failures import NoModelError, ToolError
from akosha_hook.akosha.client.tools import (
    MAX_DIMENSION,
    Embeddings,
    Outcome,
    Tools,
    embed,
    store,
)

T = TypeVar("T")

DUPLICATE = 'Constraint Error: Duplicate key "conversation_id: x" violates primary key constraint.'
MISFIT = "DuckdbHotStore.insert: embedding dim mismatch (expected 768, got 384)"
IDS = [n.to_bytes(16, "big") for n in range(4)]


class Answering:
    """A session that gives one answer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def call(self, tool: str, arguments: object, answer: type[T]) -> T:
        return msgspec.convert(self._answer, answer)


def outcome_of(**answer: Any) -> Outcome:
    batch = Batch(dict.fromkeys(IDS, b"{}"))
    return store(Answering(answer), Tools("s", None), batch)  # type: ignore[arg-type]


def error(index: int, text: str) -> dict[str, Any]:
    return {"memory_id": IDS[index].hex(), "error": text}


def test_all_stored() -> None:
    assert outcome_of(stored=4, failed=0) == Outcome(4, 0, (), frozenset(IDS))


def test_a_duplicate_is_there_already() -> None:
    outcome = outcome_of(stored=3, failed=1, errors=[error(2, DUPLICATE)])
    assert outcome == Outcome(3, 1, (), frozenset(IDS))


def test_a_failure_is_not_there() -> None:
    outcome = outcome_of(stored=2, failed=2, errors=[error(0, "no room"), error(2, DUPLICATE)])
    assert outcome == Outcome(2, 1, ("no room",), frozenset(IDS[1:]))


def test_reasons_that_name_their_row_are_one_reason() -> None:
    outcome = outcome_of(
        stored=2, failed=2, errors=[error(n, f"row {IDS[n].hex()} is bad") for n in range(2)]
    )
    assert outcome.failures == ("row ID is bad",) * 2


def test_failures_without_a_name_leave_no_row_certain() -> None:
    outcome = outcome_of(stored=2, failed=2, errors=[error(0, "no room")], error="and another")
    assert outcome == Outcome(2, 0, ("and another", "no room"), frozenset())
    outcome = outcome_of(stored=3, failed=1, errors=[{"memory_id": None, "error": "bad"}])
    assert outcome == Outcome(3, 0, ("bad",), frozenset())


def test_a_duplicate_is_certain_even_then() -> None:
    outcome = outcome_of(stored=1, failed=3, errors=[error(1, DUPLICATE)])
    assert outcome.acknowledged == {IDS[1]}
    assert len(outcome.failures) == 2


def test_a_batch_refused_as_a_whole() -> None:
    outcome = outcome_of(status="failed", stored=0, failed=4, error="Batch size exceeds")
    assert outcome == Outcome(0, 0, ("Batch size exceeds",) * 4, frozenset())


def test_an_answer_that_names_a_row_twice_is_not_believed() -> None:
    outcome = outcome_of(stored=2, failed=2, errors=[error(1, DUPLICATE), error(1, "no room")])
    assert outcome.acknowledged == frozenset()
    assert len(outcome.failures) == len(IDS)


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("DuckdbHotStore.insert: embedding dim mismatch (expected 768, got 384)", 768),
        ("PgvectorHotStore.insert: embedding dim mismatch (expected 1024, got 384)", 1024),
        ("Conversion Error: Cannot cast list with length 768 to array with length 384", 384),
    ],
)
def test_a_row_of_another_size_is_neither_there_nor_a_failure(reason: str, wanted: int) -> None:
    outcome = outcome_of(stored=2, failed=2, errors=[error(0, reason), error(2, DUPLICATE)])
    assert outcome == Outcome(2, 1, (), frozenset(IDS[1:]), {IDS[0]: wanted})


@pytest.mark.parametrize(
    "reason",
    [
        "embedding dim mismatch (expected 0, got 384)",
        "embedding dim mismatch (expected 8193, got 384)",
        "embedding dim mismatch (expected 999999999999, got 384)",
        "embedding dim mismatch (expected -768, got 384)",
        "embedding dim mismatch (expected 7e2, got 384)",
        "embedding dim mismatch (expected \u0667\u0666\u0668, got 384)",
        "embedding dim mismatch (expected , got 384)",
        "embedding dim mismatch",
    ],
)
def test_only_a_size_that_a_vector_can_have_is_believed(reason: str) -> None:
    outcome = outcome_of(stored=3, failed=1, errors=[error(0, reason)])
    assert outcome.misfits == {}
    assert len(outcome.failures) == 1


def embedded(texts: int = 2, **answer: Any) -> Embeddings:
    session = Answering(answer)
    return embed(session, Tools("s", "e"), ["text"] * texts)  # type: ignore[arg-type]


def raw(numbers: str) -> msgspec.Raw:
    return msgspec.Raw(numbers.encode())


def test_embeddings_are_of_the_size_that_the_server_makes() -> None:
    answer = embedded(embeddings=[raw("[0.5, 1]"), raw("[2, -3e-5]")], embedding_dim=2, count=2)
    assert answer == Embeddings(["[0.5, 1]", "[2, -3e-5]"], 2)


@pytest.mark.parametrize(
    ("embeddings", "dimension"),
    [
        (["[0.5, 0.5]"], 2),
        (["[0.5, 0.5]"] * 3, 2),
        (["[0.5, 0.5]", "[0.5]"], 2),
        (["[0.5, 0.5]"] * 2, 3),
        (["[]"] * 2, 0),
        (["[0.5, 1e999]"] * 2, 2),
        (["[0.5, null]"] * 2, 2),
        (['["a", "b"]'] * 2, 2),
        (["[true, false]"] * 2, 2),
        (["5"] * 2, 1),
        (['{"a": 1}'] * 2, 1),
        (["[" + "0," * MAX_DIMENSION + "0]"] * 2, MAX_DIMENSION + 1),
    ],
)
def test_anything_but_vectors_of_one_size_for_every_text_is_refused(
    embeddings: list[str], dimension: int
) -> None:
    with pytest.raises(ToolError) as caught:
        embedded(embeddings=[raw(each) for each in embeddings], embedding_dim=dimension)
    assert not isinstance(caught.value, NoModelError)


def test_a_server_without_a_model_is_told_from_one_that_fails() -> None:
    with pytest.raises(NoModelError):
        embedded(embeddings=[raw("[0.5]")] * 2, embedding_dim=1, mode="fallback")
    with pytest.raises(NoModelError):
        embed(Answering({}), Tools("s", None), ["text"])  # type: ignore[arg-type]


ERRORS = st.fixed_dictionaries(
    {
        "memory_id": st.sampled_from([*(id_.hex() for id_ in IDS), "someone else's", "", None]),
        "error": st.sampled_from([DUPLICATE, MISFIT, "no room", "", None]),
    }
)


@given(st.integers(-2, 6), st.integers(-2, 6), st.lists(ERRORS, max_size=6))
def test_whatever_the_server_says_no_row_is_counted_twice_or_invented(
    stored: int, failed: int, errors: list[dict[str, Any]]
) -> None:
    outcome = outcome_of(stored=stored, failed=failed, errors=errors)
    assert outcome.stored >= 0
    assert outcome.already_stored >= 0
    rows = outcome.stored + outcome.already_stored + len(outcome.failures)
    assert rows + len(outcome.misfits) == len(IDS)
    assert not outcome.acknowledged & set(outcome.misfits)
    assert outcome.acknowledged <= set(IDS)
    refused = {each["memory_id"] for each in errors if each["error"] == "no room"}
    assert not {id_.hex() for id_ in outcome.acknowledged} & refused
    assert len(outcome.acknowledged) <= outcome.stored + outcome.already_stored
