"""Whatever stands in our own state files, nothing crashes and nothing outside is touched.

They are private, so only a crash, a full disk or the user's own editor writes nonsense there.
"""

from __future__ import annotations

import copy
import json
import os
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akosha_hook import settings as layers
from akosha_hook import snapshot
from akosha_hook.cli.history import _document, _row
from akosha_hook.cli.status_view import sections
from akosha_hook.context import Context
from akosha_hook.format.manifest import Delta
from akosha_hook.install import record
from akosha_hook.snapshot.index import INDEX
from akosha_hook.state import backoff, block_hashes, identity, pruning, receipt
from akosha_hook.state import progress_file as watch
from akosha_hook.state.receipts import Receipts
from akosha_hook.state.verification import last as last_verification
from akosha_hook.status import document as status_document
from akosha_hook.status.gather import gather
from akosha_hook.sync import select as selection
from akosha_hook.util import files
from akosha_hook.worker import metrics, schedule
from tests.support.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from akosha_hook.paths import Paths

UPLOAD = "20261122_120000_laptop"
KEY = f"systems/laptop/uploads/{UPLOAD}/reflection.duckdb"
WHEN = "2026-11-22T12:00:00.000+00:00"
TARGET = receipt.Target(
    method="cloud", endpoint="http://127.0.0.1:9", bucket="memories", system_id="laptop"
)


def _receipt() -> receipt.Receipt:
    lean = Delta(base_key=KEY, base_sha256="0" * 64, base_size=10, base_stored_at=1_795_000_000)
    file = receipt.ReceiptFile(
        name="reflection.duckdb",
        database="reflection.duckdb",
        status="uploaded",
        size=10,
        sha256="0" * 64,
        key=KEY,
        stored_bytes=10,
        delta=lean,
        stored_at=1_795_000_000,
    )
    part = receipt.Part(1, 10, "etag", "0" * 32)
    begun = receipt.PartialUpload(
        key=KEY, multipart_id="id", part_size=5, codec="c", sha256="0" * 64, parts={1: part}
    )
    return receipt.Receipt(
        upload_id=UPLOAD,
        state="done",
        method="cloud",
        success=True,
        system_id="laptop",
        machine_id="m",
        sequence=1,
        started=WHEN,
        finished=WHEN,
        destination=TARGET,
        files=(file,),
        files_uploaded=(KEY,),
        details={"stored": 1},
        snapshot="20261122_120000-1",
        partial={KEY: begun},
    )


CHECK = {"at": 1_795_000_000.0, "state": "failed", "method": "cloud", "error": "x", "hint": "y"}
DOCUMENTS: dict[str, dict[str, Any]] = {
    f"receipts/{UPLOAD}.json": json.loads(msgspec.json.encode(_receipt())),
    "progress.json": {
        "phase": "upload",
        "pid": os.getpid(),
        "updated": 1_795_000_000.0,
        "until": 1_795_000_000.0,
        "file": "x",
        "total_bytes": 10,
        "done_bytes": 5,
        "wire_bytes": 5,
        "message": "m",
        "last": CHECK,
        "dropped": ["x"],
    },
    "backoff.json": {
        f"cloud {TARGET.endpoint} memories laptop": {
            "due": 1_795_000_000.0,
            "failures": 2,
            "reason": "r",
            "circumstances": "c",
        }
    },
    "machine.json": {"system_id": "laptop", "machine_id": "m", "sequence": 3},
    "notice.json": {"systemMessage": "m"},
    "drill.json": {"at": WHEN, "success": True, "upload_id": UPLOAD, "system_id": "laptop"},
    "prune.json": {"at": 1_795_000_000.0, "success": True, "freed_bytes": 3},
    "regions.json": {"s3.amazonaws.com memories": "eu-west-1"},
    "install.json": {"schema": 1, "version": "1", "entries": []},
}
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


def _changed(name: str, steps: tuple[Any, ...], value: object) -> object:
    if not steps:
        return value
    document = copy.deepcopy(DOCUMENTS[name])
    place: Any = document
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value
    return document


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
        Receipts(paths).abandoned(TARGET)
        Receipts(paths).trim(keep=0)
        return Receipts(paths).last_success(TARGET), Receipts(paths).interrupted(TARGET)

    def bases() -> object:
        keys = [
            each.delta.base_key
            for paper in Receipts(paths).newest_first()
            for each in paper.files
            if each.delta
        ]
        return [block_hashes.path_of(paths, key) for key in keys]

    def uploads_named() -> object:
        me = identity.load(paths, loaded.settings)
        assert Receipts(paths).path_of(f"1_{me.system_id}").parent == paths.receipts
        for paper in Receipts(paths).newest_first():
            _kept_inside(paths, paper)
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
        lambda: watch.ProgressFile(paths).idle(),
        lambda: last_verification(paths),
        lambda: pruning.last(paths),
        lambda: record.load(paths),
        lambda: selection.destinations(loaded.settings),
        sweep,
    )


def _kept_inside(paths: Paths, paper: receipt.Receipt) -> None:
    """What becomes a path stays one of ours."""
    assert Receipts(paths).path_of(paper.upload_id).parent == paths.receipts
    assert paper.snapshot in {"", (paths.snapshots / paper.snapshot).name}
    for each in paper.files:
        if each.key:
            assert block_hashes.path_of(paths, each.key).parent == paths.receipts


@pytest.fixture
def at_home(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(akosha_cloud_bucket="memories", akosha_cloud_endpoint=TARGET.endpoint)
    return home


def fill(paths: Paths, name: str, data: bytes) -> None:
    """A state directory as it may be, but for the file `name`, which holds `data`."""
    files.remove_tree(paths.state)
    for each, document in DOCUMENTS.items():
        path = paths.state / each
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data if each == name else json.dumps(document).encode())


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
    fill(at_home.paths, name, json.dumps(_changed(name, steps, value)).encode())
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


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("upload_id",), "../../victim"),
        (("snapshot",), "../../data"),
        (("snapshot",), ".."),
        (("started",), "yesterday"),
        (("finished",), "0001-01-01T00:00:00+23:59"),
        (("sequence",), 10**30),
        (("duration_seconds",), 1e300),
        (("files", 0, "key"), "elsewhere"),
        (("files", 0, "name"), "../../victim"),
        (("files", 0, "stored_at"), 10**30),
        (("files", 0, "delta", "base_key"), "systems/x"),
        (("partial", KEY, "key"), "elsewhere"),
        (("partial", KEY, "parts", "1", "md5"), "no"),
    ],
    ids=lambda value: "/".join(map(str, value)) if isinstance(value, tuple) else str(value)[:12],
)
def test_a_receipt_that_could_lead_astray_is_set_aside(
    at_home: Home, where: tuple[Any, ...], value: object
) -> None:
    name = f"receipts/{UPLOAD}.json"
    fill(at_home.paths, name, json.dumps(_changed(name, where, value)).encode())
    assert list(Receipts(at_home.paths).newest_first()) == []
    assert (at_home.paths.state / f"{name}.corrupt").exists()


def test_a_receipt_as_we_write_it_is_read(at_home: Home) -> None:
    fill(at_home.paths, "", b"")
    assert list(Receipts(at_home.paths).newest_first()) == [_receipt()]


def test_a_state_file_larger_than_any_of_ours_is_set_aside(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(
        at_home.paths, "machine.json", b" " * 2000 + json.dumps(DOCUMENTS["machine.json"]).encode()
    )
    assert files.read_bounded(at_home.paths.machine).endswith(b"}")
    with pytest.raises(ValueError, match="longer than 1,000 bytes"):
        files.read_bounded(at_home.paths.machine, 1000)


def test_a_machine_whose_name_is_a_path_is_forgotten(at_home: Home) -> None:
    """It becomes part of file names and of keys."""
    fill(at_home.paths, "machine.json", b'{"system_id": "../../x", "machine_id": "m"}')
    found = identity.load(at_home.paths, layers.load({}, at_home.paths).settings)
    assert found.system_id == "laptop"  # from the receipts
    assert at_home.paths.machine.with_name("machine.json.corrupt").exists()


def test_a_frozen_snapshot_names_no_file_but_its_own(at_home: Home, tmp_path: Path) -> None:
    """What it names is uploaded when an interrupted upload is continued."""
    import hashlib

    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    directory = at_home.paths.snapshots / "1"
    directory.mkdir(parents=True)
    digest = hashlib.sha256(b"precious").hexdigest()
    for name, path in (("victim", victim), ("../../../victim", directory / "../../../victim")):
        file = snapshot.SnapshotFile(name, path, 8, digest, None)
        files.write_json(directory / INDEX, [snapshot.Database(name, file)])
        assert snapshot.reopen(directory) is None
