"""`looks.json`: one look for each store."""

from __future__ import annotations

import msgspec

from akosha_hook.paths import Paths
from akosha_hook.state import looks
from akosha_hook.state.looks import Look
from tests.support.reports import CLOUD

LOOK = Look(at=1_790_000_000.0, upload_id="20260922_120000_laptop_0a1b2c", objects=3)


def test_each_store_has_its_own_look(paths: Paths) -> None:
    other = msgspec.structs.replace(CLOUD, bucket="elsewhere")
    assert looks.last(paths, CLOUD) is None
    looks.remember(paths, CLOUD, LOOK)
    looks.remember(paths, other, msgspec.structs.replace(LOOK, lost=("systems/a",)))
    assert looks.last(paths, CLOUD) == LOOK
    seen = looks.last(paths, other)
    assert seen is not None
    assert seen.lost == ("systems/a",)


def test_a_file_that_cannot_be_read_counts_as_missing_and_is_replaced(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    paths.looks.write_text("{")
    assert looks.last(paths, CLOUD) is None
    looks.remember(paths, CLOUD, LOOK)
    assert looks.last(paths, CLOUD) == LOOK


def test_a_disk_that_does_not_take_it_fails_nothing(paths: Paths) -> None:
    paths.claude.mkdir(parents=True)
    paths.state.write_text("no directory")
    looks.remember(paths, CLOUD, LOOK)
    assert looks.last(paths, CLOUD) is None
