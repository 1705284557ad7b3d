"""How old an upload is, by the store's clock and this machine's."""

from __future__ import annotations

import time

import pytest

from akosha_hook.catalog import Upload
from akosha_hook.prune import age
from akosha_hook.stores.base import Listed
from tests.support.later import hours_later


def upload(*modified: float) -> Upload:
    listed = (Listed(f"systems/laptop/uploads/u/{each}", 1, each) for each in modified)
    return Upload("laptop", "u", tuple(listed))


@pytest.mark.parametrize(
    ("minutes", "young"), [((5,), True), ((300, 5), True), ((300, 61), False), ((-300,), True)]
)
def test_an_upload_is_as_young_as_its_newest_object(
    minutes: tuple[float, ...], young: bool
) -> None:
    """One that a server ahead of this machine dates into the future is young too."""
    times = (time.time() - each * 60 for each in minutes)
    assert age.is_young(upload(*times)) is young


def test_what_the_store_gives_no_time_for_is_young() -> None:
    with hours_later(1000):
        assert age.is_young(upload(0.0))


def test_what_was_not_ended_for_a_day_is_abandoned() -> None:
    assert not age.is_abandoned(time.time() - 86_000)
    assert age.is_abandoned(time.time() - 87_000)
