"""Whose an upload is: the ledger says so, never the upload itself."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from akosha_hook.catalog import Ownership, Upload, copy_note, machine_name, machine_of
from akosha_hook.context import Context
from akosha_hook.format import manifest
from akosha_hook.settings import Loaded, Settings
from akosha_hook.state import identity
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.ledger_lines import NO_MANIFEST, Entry
from akosha_hook.state.receipts import Receipts
from akosha_hook.stores.base import Listed
from tests.support.machines import on_host
from tests.support.state_documents import UPLOAD, whole_receipt

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths

SHA256 = hashlib.sha256(b"manifest").hexdigest()


def upload(
    name: str = "u", *, machine: str = "m", sequence: int = 5, sha256: str = SHA256
) -> Upload:
    details = manifest.Details(
        schema=1,
        tool="test",
        system_id="laptop",
        machine_id=machine,
        upload_id=name,
        sequence=sequence,
    )
    document = manifest.Manifest(
        uploaded_at="2026-01-01T00:00:00+00:00",
        conversation_count=0,
        total_size_bytes=0,
        files=(),
        metadata=details,
    )
    return Upload("laptop", name, (), document, manifest_sha256=sha256)


def ledger_of(
    paths: Paths, *, sha256: str = SHA256, system: str = "laptop", since: int = 1
) -> Ledger:
    ledger = Ledger(paths)
    ledger.begin((), since)
    ledger.add(Entry(upload="u", system=system, machine="m", store="", sha256=sha256))
    return ledger


def test_what_the_ledger_vouches_for_is_own(paths: Paths) -> None:
    whose = Ownership("m", ledger_of(paths, since=5))
    assert whose.of(upload()) == "own"
    # 0.1 kept no hash.
    assert Ownership("m", ledger_of(paths, sha256="")).owns(upload())


def test_what_0_1_stored_cannot_be_newer_than_what_the_ledger_began_with(paths: Paths) -> None:
    """There is no hash to hold it against: whoever overwrites it gains nothing by a high number."""
    whose = Ownership("m", ledger_of(paths, sha256="", since=5))
    assert whose.of(upload(sequence=6)) == "changed"
    assert whose.of(replace(upload(), manifest=None, problem="cannot be read")) == "changed"


def test_a_manifest_is_expected_at_the_size_that_was_stored(paths: Paths) -> None:
    ledger = ledger_of(paths)
    ledger.add(Entry(upload="u", system="laptop", machine="m", store="", sha256=SHA256, size=8))
    whose = Ownership("m", ledger)

    def listed(name: str, size: int) -> Upload:
        key = f"systems/laptop/uploads/{name}/manifest.json"
        return Upload("laptop", name, (Listed(key, size, 0.0),))

    assert whose.expects(listed("u", 8))
    assert not whose.expects(listed("u", 9))
    assert not whose.expects(listed("another", 8))
    assert not Ownership("n", ledger).expects(listed("u", 8))
    # 0.1 noted none.
    ledger.add(Entry(upload="u", system="laptop", machine="m", store=""))
    assert whose.expects(listed("u", 9))
    assert not whose.expects(listed("u", 10**7))


def test_what_was_stored_is_known_by_store_and_system(paths: Paths) -> None:
    ledger = ledger_of(paths)
    whose = Ownership("m", ledger)
    assert whose.has_stored("", "laptop")
    assert not whose.has_stored("elsewhere", "laptop")
    assert not whose.has_stored("", "desktop")
    assert not Ownership("n", ledger).has_stored("", "laptop")
    ledger.add(Entry(upload="u", system="laptop", machine="m", store="", sha256=NO_MANIFEST))
    assert not whose.has_stored("", "laptop")


def test_nobody_pretends_to_be_a_copy_by_a_number_of_the_future(paths: Paths) -> None:
    whose = Ownership("m", ledger_of(paths))
    planted = replace(upload("new", sequence=10**18), ahead=True)
    assert whose.of_a_copy((planted,)) == ()


def test_another_manifest_under_an_id_of_ours_is_changed(paths: Paths) -> None:
    assert Ownership("m", ledger_of(paths)).of(upload(sha256="b" * 64)) == "changed"
    begun = Ownership("m", ledger_of(paths, sha256=NO_MANIFEST))
    assert begun.of(upload()) == "changed"
    assert begun.of(replace(upload(sha256=""), manifest=None)) == "own"


def test_what_is_not_in_the_ledger_is_others_whatever_its_manifest_says(paths: Paths) -> None:
    ledger = ledger_of(paths)
    assert Ownership("m", ledger).of(upload("another")) == "other"
    # What was stored under an id that this machine gave up, or under another name.
    assert Ownership("n", ledger).of(upload()) == "other"
    assert Ownership("", ledger).of(upload()) == "other"
    assert Ownership("m", ledger_of(paths, system="desktop")).of(upload()) == "other"


def test_a_copy_is_given_away_by_manifests_that_nobody_here_wrote(paths: Paths) -> None:
    whose = Ownership("m", ledger_of(paths, since=5))
    theirs = upload("new", sequence=6)
    before = upload("old", sequence=5)
    uploads = (upload(), theirs, before, upload("another", machine="n", sequence=7))
    assert whose.of_a_copy(uploads) == (theirs,)
    assert Ownership("", whose.ledger).of_a_copy((upload("x", machine="", sequence=9),)) == ()
    assert copy_note(theirs).startswith("new bears this machine's id")


def test_a_look_takes_0_1s_receipts_for_a_ledger_and_writes_nothing(paths: Paths) -> None:
    Receipts(paths).save(whole_receipt())
    here = Context(Loaded(Settings(akosha_system_id="laptop"), {}), paths, {})
    me = identity.load(paths, here.settings)
    theirs = upload(UPLOAD, machine=me.machine_id, sequence=me.sequence)
    assert Ownership.look(here).of(theirs) == "own"
    assert not paths.ledger.exists()


def test_a_look_mends_nothing(paths: Paths) -> None:
    ledger_of(paths)
    damaged = paths.ledger.read_bytes() + b"half a li"
    paths.ledger.write_bytes(damaged)
    Ledger(paths, read_only=True).by_upload()
    assert paths.ledger.read_bytes() == damaged
    assert not paths.ledger.with_name("ledger.corrupt").exists()


def test_nothing_is_own_where_the_state_was_copied_to_another_machine(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Context(Loaded(Settings(akosha_system_id="laptop"), {}), paths, {})
    on_host(monkeypatch, tmp_path, "original")
    me = identity.load(paths, here.settings)
    ledger = Ledger(paths)
    ledger.begin((), 1)
    ledger.add(Entry(upload="u", system="laptop", machine=me.machine_id, store="", sha256=SHA256))
    assert Ownership.look(here).owns(upload())
    on_host(monkeypatch, tmp_path, "copy")
    assert not Ownership.look(here).owns(upload())


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("0123456789abcdef", "01234567"),
        ("m; rm -rf ~", "mrm-rf"),
        ("", "unknown"),
        ("\x1b", "unknown"),
    ],
)
def test_a_machine_is_named_by_what_can_be_typed(machine: str, name: str) -> None:
    assert machine_of(upload(machine=machine)) == machine
    assert machine_name(upload(machine=machine)) == name
