"""What a store holds: systems, uploads, and whether each is complete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from akosha_hook import catalog
from akosha_hook.catalog.opening import READERS
from akosha_hook.format import manifest
from tests.support.duck import change
from tests.support.home import Home
from tests.support.recovery import context, put, upload

SYSTEM, UPLOAD = "laptop", "20261122_120000_laptop"
PREFIX = manifest.prefix(SYSTEM, UPLOAD)


def listed(home: Home) -> tuple[catalog.Upload, ...]:
    return catalog.uploads(catalog.open_to_read(context(home.paths)), SYSTEM)


def test_uploads_are_listed_newest_first_with_what_they_are(at_home: Home) -> None:
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 3)
    second = upload(at_home.paths)
    newest, oldest = listed(at_home)
    assert (newest.upload_id, oldest.upload_id) == (second, first)
    assert newest.complete
    assert oldest.complete
    assert (newest.is_referenced, oldest.is_referenced) == (False, True)
    assert len(oldest.objects) == 3
    assert newest.manifest is not None
    assert newest.manifest.conversation_count == 8


def test_an_upload_that_lacks_an_object_says_which(at_home: Home) -> None:
    assert at_home.bucket is not None
    name = upload(at_home.paths)
    lost = f"systems/{SYSTEM}/uploads/{name}/reflection.duckdb"
    cut = f"systems/{SYSTEM}/uploads/{name}/knowledge_graph.duckdb"
    at_home.bucket.client.remove_object(at_home.bucket.name, lost)
    put(at_home.bucket, cut, b"short")
    (only,) = listed(at_home)
    assert not only.complete
    assert sorted(only.missing) == [cut, lost]


def test_a_manifest_that_cannot_be_used_is_a_problem_of_its_upload_alone(at_home: Home) -> None:
    assert at_home.bucket is not None
    good = upload(at_home.paths)
    put(at_home.bucket, f"systems/{SYSTEM}/uploads/bad/manifest.json", b"{")
    by_id = {each.upload_id: each for each in listed(at_home)}
    assert by_id[good].complete
    assert "cannot be read" in by_id["bad"].problem
    assert not by_id["bad"].complete


def test_an_upload_without_a_manifest_is_listed_as_incomplete(at_home: Home) -> None:
    assert at_home.bucket is not None
    put(at_home.bucket, f"systems/{SYSTEM}/uploads/half/reflection.duckdb", b"half")
    (half,) = listed(at_home)
    assert (half.upload_id, half.complete, half.has_manifest) == ("half", False, False)


def test_what_is_no_upload_of_that_system_is_left_out(at_home: Home) -> None:
    assert at_home.bucket is not None
    for key in ("systems/other/uploads/u/x", f"systems/{SYSTEM}/notes.txt", "elsewhere/x"):
        put(at_home.bucket, key, b"x")
    assert listed(at_home) == ()


def test_systems_are_those_that_have_a_folder_of_a_systems_name(at_home: Home) -> None:
    assert at_home.bucket is not None
    store = catalog.open_to_read(context(at_home.paths))
    assert catalog.systems(store) == ()
    for key in ("systems/b/uploads/u/x", "systems/a/uploads/u/x", "systems/x", "systems/n m/x"):
        put(at_home.bucket, key, b"x")
    assert catalog.systems(store) == ("a", "b")


def test_one_upload_is_read_by_its_id_without_listing(at_home: Home) -> None:
    name = upload(at_home.paths)
    store = catalog.open_to_read(context(at_home.paths))
    only = catalog.read_upload(store, SYSTEM, name)
    assert only is not None
    assert only.manifest is not None
    assert only.manifest.metadata.upload_id == name
    assert only.objects == ()
    assert catalog.read_upload(store, SYSTEM, "another") is None
    assert catalog.read_upload(store, SYSTEM, "../../x") is None
    assert catalog.read_upload(store, SYSTEM, "..") is None


# Eight manifests arrive at the same moment, in a process that has decoded none yet.
FIRST_LISTING = f"""
import io, sys, threading
sys.setswitchinterval(1e-5)
from akosha_hook import catalog
from akosha_hook.catalog.opening import READERS
from akosha_hook.stores.base import Listed

document = open(sys.argv[1], "rb").read()
together = threading.Barrier(READERS)

class Store:
    def list(self, prefix, **_):
        for number in range(READERS):
            yield Listed(f"{{prefix}}{{number}}/manifest.json", len(document), 0.0)

    def open(self, key, start=0, end=None):
        together.wait()
        return io.BytesIO(document.replace(b"UPLOAD", key.split("/")[3].encode()))

print(sum(each.manifest is not None for each in catalog.uploads(Store(), "{SYSTEM}")))
"""


def test_manifests_that_arrive_at_once_are_decoded_one_after_the_other(tmp_path: Path) -> None:
    """msgspec crashes where two threads are the first to decode a type: 59 of 60 times, here."""
    base = f"systems/{SYSTEM}/uploads/base/a.duckdb"
    stored = manifest.StoredFile(
        name="a.duckdb",
        database="a.duckdb",
        key=base,
        size=10,
        stored_size=10,
        sha256="0" * 64,
        compression="gzip",
        delta=manifest.Delta(base_key=base, base_sha256="0" * 64, base_size=10),
    )
    details = manifest.Details(
        schema=manifest.SCHEMA,
        tool="test",
        system_id=SYSTEM,
        machine_id="m",
        upload_id="UPLOAD",
        sequence=1,
        files=(stored,),
    )
    document = tmp_path / "manifest.json"
    document.write_bytes(
        manifest.Manifest(
            uploaded_at="2026-11-22T12:00:00+00:00",
            conversation_count=1,
            total_size_bytes=10,
            files=(),
            metadata=details,
        ).encode()
    )
    for _ in range(5):
        ended = subprocess.run(
            [sys.executable, "-c", FIRST_LISTING, str(document)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout) == (0, f"{READERS}\n"), ended.stderr
