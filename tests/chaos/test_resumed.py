"""A resumed upload names every database that its snapshot had, whatever happened meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.faulty_home import MIB, FaultyHome, write_database

NAMES = {"reflection.duckdb", "knowledge_graph.duckdb", "knowledge_graph_2.duckdb"}
BUSY = "knowledge_graph_3.duckdb"


def nothing_happens(_: FaultyHome) -> None:
    pass


def older_receipts_are_lost(home: FaultyHome) -> None:
    for receipt in home.receipts():
        if receipt.state == "done":
            (home.paths.receipts / f"{receipt.upload_id}.json").unlink()


def ten_days_pass(home: FaultyHome) -> None:
    for path in home.paths.receipts.glob("*.json"):
        document = json.loads(path.read_text())
        del document["checksum"]
        for each in document["files"]:
            each["stored_at"] -= 10 * 86_400
        path.write_text(json.dumps(document))


def fewer_are_selected(home: FaultyHome) -> None:
    home.configure(akosha_databases=["reflection.duckdb"])


def one_is_deleted(home: FaultyHome) -> None:
    (home.paths.data / "knowledge_graph.duckdb").unlink()


def one_is_deleted_and_receipts_are_lost(home: FaultyHome) -> None:
    one_is_deleted(home)
    older_receipts_are_lost(home)


def one_is_deleted_and_ten_days_pass(home: FaultyHome) -> None:
    one_is_deleted(home)
    ten_days_pass(home)


@pytest.mark.parametrize(
    "happens",
    [
        nothing_happens,
        older_receipts_are_lost,
        ten_days_pass,
        fewer_are_selected,
        one_is_deleted,
        one_is_deleted_and_receipts_are_lost,
        one_is_deleted_and_ten_days_pass,
    ],
)
@pytest.mark.parametrize("operation", ["PutObject", "PutManifest"])
def test_every_database_is_named_and_what_is_skipped_too(
    faulty_home: FaultyHome, operation: str, happens: Callable[[FaultyHome], None]
) -> None:
    data = faulty_home.paths.data
    before = {name: write_database(data / name, MIB, seed=1) for name in sorted(NAMES)}
    assert faulty_home.sync().success
    frozen = faulty_home.write(MIB, seed=2)
    (data / BUSY).write_bytes(b"")
    # A second one to be sent, so that one is stored before the kill.
    graph = write_database(data / "knowledge_graph_2.duckdb", MIB, seed=3)
    faulty_home.happen()
    faulty_home.killed_at(operation, first=2 if operation == "PutObject" else 1)
    happens(faulty_home)
    outcome = faulty_home.sync()
    (resumed, *_) = faulty_home.manifests()[1:]
    files = faulty_home.files_of(resumed)
    assert files == before | {"reflection.duckdb": frozen, "knowledge_graph_2.duckdb": graph}
    assert resumed["metadata"]["skipped"][BUSY] == "empty"
    stale = {each["name"] for each in resumed["metadata"]["files"] if each["stale"]}
    assert stale <= set(resumed["metadata"]["skipped"]) <= {BUSY, "knowledge_graph.duckdb"}
    newest: dict[str, Any] = faulty_home.manifests()[-1]
    assert set(faulty_home.files_of(newest)) == NAMES
    skipped = {each.name: each.reason for each in outcome.skipped}
    if happens is fewer_are_selected:
        assert skipped == dict.fromkeys(NAMES - {"reflection.duckdb"}, "excluded")
    else:
        assert skipped[BUSY] == "empty"
    faulty_home.every_manifest_is_whole()


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_copy_that_was_cut_off_does_not_keep_the_upload_from_its_end(
    faulty_home: FaultyHome, *, carried_out: bool
) -> None:
    """What arrived is used; what did not is not tried again in the same upload, and that is said."""
    graph = write_database(faulty_home.paths.data / "knowledge_graph.duckdb", MIB, seed=1)
    faulty_home.write(MIB, seed=1)
    assert faulty_home.sync().success
    one_is_deleted(faulty_home)
    ten_days_pass(faulty_home)
    frozen = faulty_home.write(MIB, seed=2)
    faulty_home.happen()
    faulty_home.killed_at("PutObject", first=2, carried_out=carried_out)
    before = len(faulty_home.network.asked)
    assert faulty_home.sync().success
    asked = [each.operation for each in faulty_home.network.asked[before:]]
    assert "PutObject" not in asked
    resumed = faulty_home.manifests()[1]
    assert faulty_home.files_of(resumed) == {
        "reflection.duckdb": frozen,
        "knowledge_graph.duckdb": graph,
    }
    upload_id = resumed["metadata"]["upload_id"]
    keys = {each["name"]: each["key"] for each in resumed["metadata"]["files"]}
    assert (upload_id in keys["knowledge_graph.duckdb"]) is carried_out
    receipt = next(each for each in faulty_home.receipts() if each.upload_id == upload_id)
    assert ("was cut off" in " ".join(receipt.notes)) is not carried_out
    faulty_home.every_manifest_is_whole()
