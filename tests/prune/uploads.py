"""Uploads to prune."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook import catalog, prune
from akosha_hook.prune import Keep
from tests.support.duck import change
from tests.support.later import HOURS, hours_later
from tests.support.recovery import context, read_manifest, upload, write_manifest

if TYPE_CHECKING:
    from tests.support.home import Home


def grow(home: Home, *, full: bool = False) -> str:
    change(home.paths.data / "reflection.duckdb", 3)
    return upload(home.paths, full=full)


def prune_uploads(
    home: Home, keep: Keep, *, system_id: str = "", hours: float = HOURS
) -> prune.Plan:
    """Prune as it is done some hours later."""
    here = context(home.paths)
    store = catalog.open_to_read(here)
    with hours_later(hours):
        plan = prune.plan(store, keep, here, system_id=system_id)
    prune.apply(store, plan, here)
    return plan


def complete_uploads(home: Home) -> set[str]:
    store = catalog.open_to_read(context(home.paths))
    return {each.upload_id for each in catalog.uploads(store, "laptop") if each.complete}


def without(home: Home, upload_id: str, database: str) -> None:
    """Take a database out of an upload, as this machine would have stored it without it."""
    assert home.bucket is not None
    document = read_manifest(home.bucket, upload_id)
    listed = document["metadata"]["files"]
    document["metadata"]["files"] = [each for each in listed if each["database"] != database]
    write_manifest(home.bucket, upload_id, document, stored_by=home.paths)
