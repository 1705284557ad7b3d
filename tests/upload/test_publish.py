"""The manifest: written down, entered in the ledger, stored, and looked at with all it refers to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.state.journal import Journal
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.ledger_lines import NO_MANIFEST
from akosha_hook.stores.base import Info, Stored
from akosha_hook.upload.publish import enter, publish, withdraw
from tests.support.jobs import ME, UPLOAD, frozen, job
from tests.support.state_documents import TARGET, whole_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import ReceiptFile
    from akosha_hook.stores.base import Content, ObjectStore
    from akosha_hook.upload.job import UploadJob

MANIFEST = f"systems/laptop/uploads/{UPLOAD}/manifest.json"
OWN = f"systems/laptop/uploads/{UPLOAD}/reflection.duckdb"
EARLIER = "systems/laptop/uploads/20260101_120000_laptop_0a1b2c/other.duckdb"


@dataclass
class Memory:
    """A store in memory that tells what it was asked; `meanwhile` happens once the PUT is done."""

    objects: dict[str, bytes] = field(default_factory=dict)
    puts: list[tuple[str, bool]] = field(default_factory=list)
    meanwhile: Callable[[Memory], object] = lambda _: None
    denies_deleting: bool = False

    def put(
        self, key: str, content: Content, journal: Journal | None = None, *, only_new: bool = False
    ) -> Stored:
        assert journal is None
        self.puts.append((key, only_new))
        self.objects[key] = b"".join(content.chunks())
        self.meanwhile(self)
        return Stored(key, len(self.objects[key]), "etag")

    def stat(self, key: str) -> Info | None:
        return Info(len(self.objects[key])) if key in self.objects else None

    def delete(self, keys: Iterable[str]) -> None:
        if self.denies_deleting:
            raise DeliveryError("no", kind=Kind.DENIED)
        for key in keys:
            self.objects.pop(key, None)


@pytest.fixture
def upload(paths: Paths) -> UploadJob:
    journal = Journal(paths.state / "journal")
    paths.state.mkdir(parents=True)
    snapshot = frozen(paths, reflection=b"x")
    return job(paths, snapshot, journal=journal, ledger=Ledger(paths), target=TARGET)


@pytest.fixture
def memory() -> Memory:
    return Memory({EARLIER: b"0123456789", OWN: b"0123456789"})


def as_store(memory: Memory) -> ObjectStore:
    return cast("ObjectStore", memory)


def own(upload: UploadJob) -> ReceiptFile:
    (file,) = whole_receipt().files
    return msgspec.structs.replace(file, key=upload.key("reflection.duckdb"), delta=None)


def earlier() -> ReceiptFile:
    (file,) = whole_receipt().files
    return msgspec.structs.replace(
        file, name="other.duckdb", database="other.duckdb", key=EARLIER, delta=None
    )


def published(memory: Memory) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(memory.objects[MANIFEST])
    return document


def test_it_names_every_file_and_lists_only_its_own_objects(
    upload: UploadJob, memory: Memory
) -> None:
    publish(upload, as_store(memory), [own(upload), earlier()])
    document = published(memory)
    assert document["files"] == ["reflection.duckdb"]
    assert [each["key"] for each in document["metadata"]["files"]] == [
        upload.key("reflection.duckdb"),
        EARLIER,
    ]
    assert memory.puts == [(MANIFEST, True)]


def test_it_is_in_journal_and_ledger_before_it_is_sent(upload: UploadJob, memory: Memory) -> None:
    """So no manifest of ours is ever one that nobody knows."""
    paths = upload.context.paths
    known: list[tuple[str, str]] = []

    def look(memory: Memory) -> None:
        entry = Ledger(paths).entry(UPLOAD)
        assert entry is not None
        known.append((entry.sha256, Journal.read(paths.state / "journal").manifest))

    memory.meanwhile = look
    publish(upload, as_store(memory), [own(upload)])
    sent = memory.objects[MANIFEST]
    assert known == [(hashlib.sha256(sent).hexdigest(), sent.decode())]


def test_a_repetition_sends_the_same_bytes(upload: UploadJob, memory: Memory) -> None:
    """Its time would be another; the earlier one may be stored already."""
    publish(upload, as_store(memory), [own(upload)])
    first = memory.objects[MANIFEST]
    before = json.loads(first)
    before["uploaded_at"] = "2026-01-01T00:00:00+00:00"
    upload.journal.manifest = json.dumps(before)
    publish(upload, as_store(memory), [own(upload)])
    assert published(memory)["uploaded_at"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("key", [EARLIER, OWN], ids=["another upload's", "its own"])
def test_what_went_meanwhile_takes_the_manifest_back(
    upload: UploadJob, memory: Memory, key: str
) -> None:
    """Somebody pruned while the upload ran; with a clock that is ahead, what was just stored too."""
    memory.meanwhile = lambda memory: memory.objects.pop(key)
    with pytest.raises(DeliveryError) as raised:
        publish(upload, as_store(memory), [own(upload), earlier()])
    assert raised.value.kind is Kind.LOST
    assert MANIFEST not in memory.objects


def test_a_repetition_for_other_files_takes_the_earlier_manifest_back(
    upload: UploadJob, memory: Memory
) -> None:
    """What it referred to is no longer there, say; nothing that is stored is overwritten."""
    publish(upload, as_store(memory), [own(upload), earlier()])
    with pytest.raises(DeliveryError) as raised:
        publish(upload, as_store(memory), [own(upload)])
    assert raised.value.kind is Kind.LOST
    assert MANIFEST not in memory.objects
    assert len(memory.puts) == 1


def test_where_deleting_is_denied_the_manifest_stays(upload: UploadJob, memory: Memory) -> None:
    memory.denies_deleting = True
    memory.objects[MANIFEST] = b"{}"
    withdraw(upload, as_store(memory))
    assert MANIFEST in memory.objects


@pytest.mark.parametrize("text", ["{", "[]", '{"metadata": {"schema": 99}}'])
def test_a_journal_that_makes_no_sense_is_not_repeated(
    upload: UploadJob, memory: Memory, text: str
) -> None:
    upload.journal.manifest = text
    publish(upload, as_store(memory), [own(upload)])
    assert published(memory)["metadata"]["machine_id"] == ME.machine_id


def test_an_upload_is_in_the_ledger_from_its_first_object_on(upload: UploadJob) -> None:
    """Until its manifest is sent, no manifest of that id is genuine."""
    assert upload.ledger is not None
    enter(upload)
    entry = upload.ledger.entry(UPLOAD)
    assert entry is not None
    assert entry.sha256 == NO_MANIFEST
    enter(upload, b"{}")
    enter(upload)
    entry = upload.ledger.entry(UPLOAD)
    assert entry is not None
    assert entry.vouches_for(hashlib.sha256(b"{}").hexdigest())
