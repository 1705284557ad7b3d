"""Whatever stands in our own state files, nothing crashes and nothing outside is touched.

They are private, so only a crash, a full disk or the user's own editor writes nonsense there.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akosha_hook import settings as layers
from akosha_hook.cli.history import _document, _row
from akosha_hook.cli.status_view import sections
from akosha_hook.context import Context
from akosha_hook.install import record
from akosha_hook.state import backoff, block_hashes, identity, progress_file, pruning, receipt
from akosha_hook.state.receipts import Receipts
from akosha_hook.state.verification import last as last_verification
from akosha_hook.status import document as status_document
from akosha_hook.status.gather import gather
from akosha_hook.sync import select as selection
from akosha_hook.util import files
from akosha_hook.worker import metrics, schedule
from tests.support.home import Home
from tests.support.state_documents import (
    DOCUMENTS,
    TARGET,
    WHEN,
    changed,
    fill,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.paths import Paths


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**15, max_value=10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "",
            "..",
            "systems/x",
            "../../victim",
            "/victim",
            "a/b",
            "\0",
            "0001-01-01T00:00:00+23:59",
            WHEN,
        ]
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=4,
)


def _steps(value: object, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [before, *(each for name, at in inner for each in _steps(at, (*before, name)))]


PLACES = [(name, steps) for name, document in DOCUMENTS.items() for steps in _steps(document)]


def looks(paths: Paths) -> tuple[Callable[[], object], ...]:
    """Everything that reads our state without a server."""
    loaded = layers.load({}, paths)

    def status() -> object:
        report = gather(Context(loaded, paths, {}), paths.claude)
        json.dumps(status_document.document(report), default=str)
        return list(sections(report))

    def history() -> object:
        return [(_row(each), _document(each)) for each in Receipts(paths).newest_first()]

    def sweep() -> object:
        Receipts(paths).fail_unfinished(TARGET, superseded_by="other")
        for each in Receipts(paths).abandoned(TARGET):
            Receipts(paths).aborted(each, Receipts(paths).journal(each))
        Receipts(paths).trim(keep=0)
        return Receipts(paths).last_success(TARGET), Receipts(paths).interrupted(TARGET)

    def bases() -> object:
        keys = [
            each.delta.base_key
            for stored in Receipts(paths).newest_first()
            for each in stored.files
            if each.delta
        ]
        return [block_hashes.path_of(paths, key) for key in keys]

    def uploads_named() -> object:
        me = identity.load(paths, loaded.settings)
        assert Receipts(paths).path_of(f"1_{me.system_id}").parent == paths.receipts
        for each in Receipts(paths).newest_first():
            _kept_inside(paths, each)
        return me

    return (
        status,
        history,
        lambda: metrics.render(Context(loaded, paths, {}), Receipts(paths)),
        lambda: schedule.last_upload(Receipts(paths), now=time.time()),
        lambda: identity.next_sequence(paths, loaded.settings),
        uploads_named,
        bases,
        lambda: backoff.due(paths, TARGET, "c"),
        lambda: backoff.failed(paths, TARGET, "r", "c"),
        lambda: progress_file.ProgressFile(paths).idle(),
        lambda: last_verification(paths),
        lambda: pruning.last(paths),
        lambda: record.load(paths),
        lambda: selection.destinations(loaded.settings),
        sweep,
    )


def _kept_inside(paths: Paths, stored: receipt.Receipt) -> None:
    """What becomes a path stays one of ours."""
    assert Receipts(paths).path_of(stored.upload_id).parent == paths.receipts
    assert stored.snapshot in {"", (paths.snapshots / stored.snapshot).name}
    for each in stored.files:
        if each.key:
            assert block_hashes.path_of(paths, each.key).parent == paths.receipts


@pytest.fixture
def at_home(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(akosha_cloud_bucket="memories", akosha_cloud_endpoint=TARGET.endpoint)
    return home


def assert_harmless(paths: Paths) -> None:
    outside = {
        path for path in paths.claude.parent.rglob("*") if not path.is_relative_to(paths.state)
    }
    for look in looks(paths):
        look()
    assert outside == {
        path for path in paths.claude.parent.rglob("*") if not path.is_relative_to(paths.state)
    }


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_whatever_a_field_holds_every_look_ends_well(
    at_home: Home, place: tuple[str, tuple[Any, ...]], value: object
) -> None:
    name, steps = place
    fill(at_home.paths, name, json.dumps(changed(name, steps, value)).encode())
    assert_harmless(at_home.paths)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(DOCUMENTS)),
    data=st.binary(max_size=60) | st.sampled_from([b"", b"null", b"\xff\xfe{", b"{}\n{}"]),
    deep=st.sampled_from([b"", b"[", b'{"a":', b'{"details":{"a":']),
)
def test_whatever_a_file_holds_every_look_ends_well(
    at_home: Home, name: str, data: bytes, deep: bytes
) -> None:
    fill(at_home.paths, name, deep * 50_000 + data)
    assert_harmless(at_home.paths)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_pipe_in_the_place_of_a_file_blocks_nothing(at_home: Home, name: str) -> None:
    fill(at_home.paths, name, b"")
    path = at_home.paths.state / name
    path.unlink()
    os.mkfifo(path)
    assert_harmless(at_home.paths)


def test_a_state_file_larger_than_any_of_ours_is_set_aside(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(
        at_home.paths, "machine.json", b" " * 2000 + json.dumps(DOCUMENTS["machine.json"]).encode()
    )
    assert files.read_bounded(at_home.paths.machine).endswith(b"}")
    with pytest.raises(ValueError, match="longer than 1,000 bytes"):
        files.read_bounded(at_home.paths.machine, 1000)
