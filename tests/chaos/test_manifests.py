"""What makes an upload exist, and when it may be called a success."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook.state.ledger import Ledger
from akosha_hook.state.receipts import Receipts
from tests.support import faults
from tests.support.faulty_home import MIB, write_database

if TYPE_CHECKING:
    from tests.support.faults import Exchange
    from tests.support.faulty_home import FaultyHome

OTHER = "knowledge_graph.duckdb"


def remove(faulty_home: FaultyHome, *endings: str) -> None:
    """Delete objects behind everybody's back."""
    for key in faulty_home.store.object_keys():
        if key.endswith(endings):
            faulty_home.store.client.remove_object(faulty_home.store.name, key)


@pytest.mark.parametrize("delta", [False, True], ids=["reference", "base"])
def test_a_prune_that_runs_meanwhile_makes_it_send_again(
    any_faulty_home: FaultyHome, delta: bool
) -> None:
    """The upload leans on an object that was there when it began, and is gone when it ends."""
    home = any_faulty_home
    home.configure(akosha_enable_delta=True)
    content = home.write(2 * MIB)
    other = write_database(home.paths.data / OTHER, MIB, seed=7)
    assert home.sync().success
    (before,) = (each["metadata"]["upload_id"] for each in home.manifests())
    if delta:
        content = content[:MIB] + b"ten rows" + content[MIB + 8 :]
        home.database.write_bytes(content)
    else:
        content = home.write(2 * MIB, seed=1)

    def prune_meanwhile(exchange: Exchange) -> None:
        remove(home, f"{before}/manifest.json")
        remove(home, f"{before}/reflection.duckdb" if delta else f"/{OTHER}")
        exchange.client.sendall(exchange.forward())

    home.network.on("PutManifest", fault=prune_meanwhile, times=1)
    outcome = home.sync()
    home.network.heal()
    assert outcome.success
    assert home.stored() == {"reflection.duckdb": content, OTHER: other}
    home.every_manifest_is_whole()
    assert sorted(each.state for each in home.receipts()) == ["done", "done", "failed"]


def test_a_200_that_stored_nothing_is_no_success(faulty_home: FaultyHome) -> None:
    faulty_home.write()
    faulty_home.network.on("PutManifest", fault=lambda exchange: exchange.answer(200, b""))
    assert not faulty_home.sync().success
    faulty_home.network.heal()
    assert faulty_home.sync().success
    faulty_home.every_manifest_is_whole()


@pytest.mark.parametrize("fault", [faults.lost_answer, faults.reset])
def test_a_manifest_whose_answer_was_lost_is_stored_once(
    any_faulty_home: FaultyHome, fault: object
) -> None:
    home = any_faulty_home
    home.write()
    home.network.on("PutManifest", fault=fault, times=1)  # type: ignore[arg-type]
    assert home.sync().success
    assert len(home.manifests()) == 1


def test_a_server_without_conditional_writes_stores_the_manifest_too(
    faulty_home: FaultyHome,
) -> None:
    def refuse(exchange: Exchange) -> None:
        if b"if-none-match" in exchange.head.lower():
            exchange.answer(501, b"<Error><Code>NotImplemented</Code></Error>")
        else:
            exchange.client.sendall(exchange.forward())

    faulty_home.write()
    faulty_home.network.on("PutManifest", fault=refuse)
    assert faulty_home.sync().success
    assert len(faulty_home.network.operations("PutManifest")) == 2


def test_no_listing_is_needed_to_name_an_upload(faulty_home: FaultyHome) -> None:
    faulty_home.write()
    assert faulty_home.sync().success
    faulty_home.network.asked.clear()
    faulty_home.write(seed=1)
    assert faulty_home.sync().success
    assert faulty_home.network.operations("ListObjects") == []


def test_an_upload_that_was_killed_after_its_manifest_repeats_the_same_bytes(
    faulty_home: FaultyHome,
) -> None:
    faulty_home.write()
    faulty_home.happen()
    faulty_home.killed_at("PutManifest", carried_out=True)
    (key,) = [each for each in faulty_home.store.object_keys() if each.endswith("manifest.json")]
    before = faulty_home.store.read(key)
    assert faulty_home.sync_by_hand().success
    assert faulty_home.store.read(key) == before
    assert len(faulty_home.manifests()) == 1


def test_a_base_that_was_replaced_is_not_built_on(any_faulty_home: FaultyHome) -> None:
    """By something else of the same size; its key alone proves nothing."""
    home = any_faulty_home
    home.configure(akosha_enable_delta=True)
    content = home.write(2 * MIB)
    assert home.sync().success
    (key,) = [each for each in home.store.object_keys() if each.endswith(".duckdb")]
    home.store.client._put_object(
        home.store.name, key, b"x" * len(content), {"x-amz-meta-sha256": "0" * 64}
    )
    content = content[:MIB] + b"ten rows" + content[MIB + 8 :]
    home.database.write_bytes(content)
    assert home.sync().success
    (manifest,) = [each for each in home.manifests() if each["metadata"]["files"][0]["key"] != key]
    assert manifest["metadata"]["files"][0]["delta"] is None
    assert home.files_of(manifest) == {"reflection.duckdb": content}


def test_what_this_state_did_not_store_is_not_built_on(faulty_home: FaultyHome) -> None:
    """A receipt may name it; only the ledger tells who stored it."""
    faulty_home.configure(akosha_enable_delta=True)
    content = faulty_home.write(2 * MIB)
    assert faulty_home.sync().success
    (receipt,) = faulty_home.receipts()
    # As a receipt of 0.1, it cannot tell which manifest is the genuine one.
    Receipts(faulty_home.paths).save(msgspec.structs.replace(receipt, manifest_sha256=""))
    Ledger(faulty_home.paths).remove({receipt.upload_id})
    content = content[:MIB] + b"ten rows" + content[MIB + 8 :]
    faulty_home.database.write_bytes(content)
    assert faulty_home.sync().success
    newest = faulty_home.manifests()[-1]["metadata"]
    assert newest["files"][0]["key"].startswith(
        f"systems/{newest['system_id']}/uploads/{newest['upload_id']}/"
    )
    assert newest["files"][0]["delta"] is None


def test_a_copied_state_continues_and_builds_on_nothing_of_the_original(
    faulty_home: FaultyHome, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that it was copied from may be in the middle of that very upload."""
    from pathlib import Path

    from akosha_hook.state import host

    # In a directory that is not the account's own, a pin of another machine counts for nothing.
    account = faulty_home.paths.claude.parent
    monkeypatch.setattr("akosha_hook.state.pin.account_home", lambda: account)
    machine_id = Path(str(tmp_path)) / "machine-id"
    monkeypatch.setattr(host, "MACHINE_ID_FILES", (machine_id,))
    machine_id.write_text("0" * 32)
    faulty_home.configure(akosha_enable_delta=True)
    faulty_home.write(2 * MIB)
    assert faulty_home.sync().success
    faulty_home.write(11 * MIB, seed=1)
    receipt = faulty_home.interrupted_at_part(2)
    machine_id.write_text("1" * 32)
    faulty_home.network.asked.clear()
    assert faulty_home.sync().success
    assert "AbortMultipartUpload" not in faulty_home.network.operations()
    first, newest = (each["metadata"] for each in faulty_home.manifests())
    assert newest["machine_id"] != first["machine_id"]
    assert newest["upload_id"] != receipt.upload_id
    assert all(newest["upload_id"] in each["key"] for each in newest["files"])
    assert faulty_home.store.open_uploads() == 1
    document = json.loads(faulty_home.paths.machine.read_text())
    assert "copied" in document["renewed_because"]
    shutil.rmtree(faulty_home.paths.snapshots, ignore_errors=True)


@pytest.mark.parametrize("delta", [False, True], ids=["reference", "base"])
def test_a_prune_that_has_only_begun_makes_it_send_everything_again(
    any_faulty_home: FaultyHome, delta: bool
) -> None:
    """Its objects are still there when the upload ends, and gone a moment later."""
    home = any_faulty_home
    home.configure(akosha_enable_delta=True)
    content = home.write(2 * MIB)
    other = write_database(home.paths.data / OTHER, MIB, seed=7)
    assert home.sync().success
    (before,) = (each["metadata"]["upload_id"] for each in home.manifests())
    if delta:
        content = content[:MIB] + b"ten rows" + content[MIB + 8 :]
        home.database.write_bytes(content)
    else:
        content = home.write(2 * MIB, seed=1)

    def begin_to_prune(exchange: Exchange) -> None:
        remove(home, f"{before}/manifest.json")
        exchange.client.sendall(exchange.forward())

    home.network.on("PutManifest", fault=begin_to_prune, times=1)
    assert home.sync().success
    home.network.heal()
    remove(home, f"{before}/reflection.duckdb", f"{before}/{OTHER}")
    home.every_manifest_is_whole()
    assert home.stored() == {"reflection.duckdb": content, OTHER: other}


def test_a_prune_that_has_only_begun_leaves_no_last_good_copy_behind(
    faulty_home: FaultyHome,
) -> None:
    """It is copied into the new upload, which refers to no other then."""
    other = write_database(faulty_home.paths.data / OTHER, MIB, seed=7)
    faulty_home.write()
    assert faulty_home.sync().success
    (before,) = (each["metadata"]["upload_id"] for each in faulty_home.manifests())
    (faulty_home.paths.data / OTHER).unlink()
    content = faulty_home.write(seed=1)

    def begin_to_prune(exchange: Exchange) -> None:
        remove(faulty_home, f"{before}/manifest.json")
        exchange.client.sendall(exchange.forward())

    faulty_home.network.on("PutManifest", fault=begin_to_prune, times=1)
    assert faulty_home.sync().success
    faulty_home.network.heal()
    remove(faulty_home, f"{before}/reflection.duckdb", f"{before}/{OTHER}")
    faulty_home.every_manifest_is_whole()
    assert faulty_home.stored() == {"reflection.duckdb": content, OTHER: other}
