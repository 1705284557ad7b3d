"""A state directory that was copied to another machine: what the original began stays its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.status.document import document
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.machines import copy_of, machine_id, on_host
from tests.support.recovery import read_manifest
from tests.support.reports import report_now

BIG = 16 * MIB


@pytest.fixture
def original(
    faulty_home: FaultyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FaultyHome:
    on_host(monkeypatch, tmp_path, "original")
    faulty_home.write(MIB)
    assert faulty_home.sync().success
    return faulty_home


def test_a_copy_uploads_all_under_an_id_of_its_own_and_says_so(
    original: FaultyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = original.receipts()[0]
    copy = copy_of(original, tmp_path)
    on_host(monkeypatch, tmp_path, "copy")
    outcome = copy.sync()
    assert outcome.state == "uploaded"  # although nothing has changed
    assert outcome.receipt is not None
    metadata = read_manifest(original.store, outcome.receipt.upload_id)["metadata"]
    assert metadata["machine_id"] == machine_id(copy) != first.machine_id
    prefix = f"systems/{metadata['system_id']}/uploads/{outcome.receipt.upload_id}/"
    for each in metadata["files"]:
        assert each["key"].startswith(prefix)
        assert not each["delta"]
    (note,) = outcome.receipt.notes
    assert note.startswith(f"This machine has the new id {machine_id(copy)}, since its state")
    assert note in document(report_now(copy.paths))["notes"]
    # Once is enough.
    copy.write(MIB, seed=2)
    again = copy.sync().receipt
    assert again is not None
    assert again.notes == ()
    # The original goes on as if nothing had been.
    on_host(monkeypatch, tmp_path, "original")
    assert original.sync().state == "unchanged"
    assert machine_id(original) == first.machine_id
    assert document(report_now(original.paths))["new_machine_id"] is None


def test_a_copy_neither_continues_nor_aborts_what_the_original_began(
    original: FaultyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = original.write(BIG, seed=2)
    cut_off = original.interrupted_at_part(3)
    copy = copy_of(original, tmp_path)
    on_host(monkeypatch, tmp_path, "copy")
    theirs = copy.sync().receipt
    assert theirs is not None
    assert theirs.success
    assert theirs.upload_id != cut_off.upload_id
    assert original.store.open_uploads() == 1
    on_host(monkeypatch, tmp_path, "original")
    before = len(original.network.parts())
    ours = original.sync().receipt
    assert ours is not None
    assert (ours.success, ours.upload_id) == (True, cut_off.upload_id)
    # The parts that had been stored are not sent again.
    assert 1 not in original.network.parts()[before:]
    finished = read_manifest(original.store, ours.upload_id)
    assert original.files_of(finished)["reflection.duckdb"] == content
    assert original.store.open_uploads() == 0
