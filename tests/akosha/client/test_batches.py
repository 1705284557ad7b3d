from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.akosha.client.batches import MAX_BYTES, MAX_ROWS, Batch


@given(st.lists(st.integers(1, MAX_BYTES * 2), max_size=50), st.integers(1, 40))
def test_batches_stay_within_their_bounds(sizes: list[int], repeat: int) -> None:
    """Only a row that is larger than a batch may be goes beyond, and it goes alone."""
    batches, batch = [], Batch()
    documents = {n.to_bytes(16, "big"): bytes(size) for n, size in enumerate(sizes * repeat)}
    for id_, document in documents.items():
        if not batch.has_room_for(document):
            batches.append(batch)
            batch = Batch()
        batch.add(id_, document)
    batches.append(batch)
    assert sum(map(len, batches)) == len(documents)
    for each in batches:
        assert len(each) <= MAX_ROWS
        assert each.size == sum(map(len, each.documents.values()))
        assert each.size <= MAX_BYTES or len(each) == 1


@given(st.integers(2, 100))
def test_halves_hold_everything_once(count: int) -> None:
    batch = Batch()
    for n in range(count):
        batch.add(n.to_bytes(16, "big"), bytes(n))
    one, other = batch.halves()
    assert one
    assert other
    assert one.documents | other.documents == batch.documents
    assert one.size + other.size == batch.size


def test_a_memory_that_comes_twice_is_sent_once() -> None:
    batch = Batch()
    batch.add(b"a", b"1234")
    batch.add(b"a", b"56")
    assert batch.documents == {b"a": b"56"}
    assert batch.size == 2
