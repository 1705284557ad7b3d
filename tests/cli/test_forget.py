"""`akosha-hook forget`."""

from __future__ import annotations

import json

from tests.support.home import Home
from tests.support.recovery import upload

GRAPH = "knowledge_graph.duckdb"


def test_forget_says_what_stays_and_how_to_get_it_back(uploading_home: Home) -> None:
    name = upload(uploading_home.paths)
    (uploading_home.paths.data / GRAPH).unlink()
    missed = uploading_home.akosha_hook("sync")
    assert missed.returncode == 0
    assert f"Note: {GRAPH} is no longer in" in missed.stderr
    assert f"akosha-hook forget {GRAPH}" in missed.stderr
    document = json.loads(uploading_home.akosha_hook("sync", "--json").stdout)
    assert document["skipped"] == {GRAPH: "missing"}
    assert len(document["notes"]) == 1
    result = uploading_home.akosha_hook("forget", GRAPH)
    assert result.returncode == 0
    assert result.stderr == ""
    assert f"akosha-hook restore {name} --file {GRAPH}" in result.stdout
    assert uploading_home.akosha_hook("sync").stderr == ""


def test_forget_as_a_document(uploading_home: Home) -> None:
    name = upload(uploading_home.paths)
    refused = uploading_home.akosha_hook("forget", GRAPH, "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["success"] is False
    (uploading_home.paths.data / GRAPH).unlink()
    document = json.loads(uploading_home.akosha_hook("forget", GRAPH, "--json").stdout)
    assert document["success"] is True
    assert document["name"] == GRAPH
    assert document["upload_id"] == name
    assert document["stays"] == [f"systems/laptop/uploads/{name}/{GRAPH}"]


def test_what_was_never_stored_is_an_error(uploading_home: Home) -> None:
    result = uploading_home.akosha_hook("forget", "x.duckdb")
    assert result.returncode == 2
    assert "No database x.duckdb was ever stored" in result.stderr
