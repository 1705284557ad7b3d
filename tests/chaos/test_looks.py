"""A worker that is killed while it looks at the last upload, or sends again what was lost of it."""

from __future__ import annotations

import msgspec
import pytest

from akosha_hook.state.receipts import Receipts
from tests.support.faulty_home import DATABASE, FaultyHome


@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("operation", "lost"),
    [
        ("HeadManifest", DATABASE),
        ("HeadManifest", "manifest.json"),
        ("PutObject", DATABASE),
        ("PutManifest", DATABASE),
        ("PutManifest", "manifest.json"),
    ],
)
def test_what_was_lost_is_sent_by_whoever_comes_next(
    faulty_home: FaultyHome, operation: str, lost: str, carried_out: bool
) -> None:
    content = faulty_home.write()
    first = faulty_home.sync().receipt
    assert first is not None
    receipts = Receipts(faulty_home.paths)
    # Long ago: a look is due, and no interval between sessions holds the next upload.
    long_ago = "2026-01-01T00:00:00+00:00"
    receipts.save(msgspec.structs.replace(first, started=long_ago, finished=long_ago))
    (key,) = (each for each in faulty_home.store.object_keys() if each.endswith(lost))
    faulty_home.store.client.remove_object(faulty_home.store.name, key)
    faulty_home.happen("session-end")
    faulty_home.killed_at(operation, carried_out=carried_out)
    assert faulty_home.sync_by_hand().success
    assert faulty_home.stored() == {DATABASE: content}
    faulty_home.nothing_is_left()
    assert faulty_home.sync().state == "unchanged"
