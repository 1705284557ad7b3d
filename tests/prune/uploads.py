"""Uploads to prune."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook import catalog, prune
from akosha_hook.prune import Keep
from tests.support.duck import change
from tests.support.recovery import (
    context,
    upload,
)

if TYPE_CHECKING:
    from tests.support.home import Home


def grow(home: Home, *, full: bool = False) -> str:
    change(home.paths.data / "reflection.duckdb", 3)
    return upload(home.paths, full=full)


def prune_uploads(home: Home, keep: Keep, *, system_id: str = "") -> prune.Plan:
    here = context(home.paths)
    store = catalog.open_to_read(here)
    plan = prune.plan(store, keep, here, system_id=system_id)
    prune.apply(store, plan)
    return plan
