"""What later uploads refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.catalog import references
from akosha_hook.catalog.references import referenced_after
from tests.support.recovery import context, put, upload

if TYPE_CHECKING:
    import pytest

    from tests.support.home import Home


def test_only_what_later_uploads_refer_to_is_named(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    second = upload(at_home.paths, full=True)
    store = catalog.open_to_read(context(at_home.paths))
    later = referenced_after(store, "laptop", first)
    prefix = f"systems/laptop/uploads/{second}/"
    assert later == frozenset(
        prefix + name for name in ("reflection.duckdb", "knowledge_graph.duckdb")
    )
    assert referenced_after(store, "laptop", second) == frozenset()
    put(at_home.bucket, "systems/laptop/uploads/30000101_000000_laptop/manifest.json", b"{")
    assert referenced_after(store, "laptop", first) is None
    monkeypatch.setattr(references, "MOST_READ", 1)
    assert referenced_after(store, "laptop", first) is None
