"""`akosha-hook ls`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.duck import change
from tests.support.home import Home
from tests.support.machines import another_machine, copy_of, machine_id
from tests.support.recovery import put, read_manifest, upload, write_manifest

if TYPE_CHECKING:
    from pathlib import Path


def test_ls_shows_every_system_and_what_each_upload_holds(uploading_home: Home) -> None:
    assert uploading_home.bucket is not None
    first = upload(uploading_home.paths)
    change(uploading_home.paths.data / "reflection.duckdb", 3)
    second = upload(uploading_home.paths)
    put(uploading_home.bucket, "systems/laptop/uploads/2999_half/reflection.duckdb", b"half")
    put(uploading_home.bucket, "systems/laptop/uploads/2999_bad/manifest.json", b"{}")
    put(uploading_home.bucket, "systems/old_one/uploads/x/manifest.json", b"")
    result = uploading_home.akosha_hook("ls")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("laptop: 2 complete uploads, ")
    rows = {line.split()[0]: line for line in lines[2:6]}
    assert "2 full" in rows[first]
    assert "1 same" in rows[second]
    assert "incomplete" in rows["2999_half"]
    assert "damaged" in rows["2999_bad"]
    assert lines[6].startswith("old_one: 0 complete uploads")
    assert "Machine" not in lines[1]
    document = json.loads(uploading_home.akosha_hook("ls", "--system", "laptop", "--json").stdout)
    whose = {each["upload_id"]: each["whose"] for each in document["systems"][0]["uploads"]}
    assert whose == {first: "own", second: "own", "2999_half": "other", "2999_bad": "other"}
    assert [each["system_id"] for each in document["systems"]] == ["laptop"]
    states = {each["upload_id"]: each["state"] for each in document["systems"][0]["uploads"]}
    assert states == {
        first: "complete",
        second: "complete",
        "2999_half": "incomplete",
        "2999_bad": "damaged",
    }


def test_ls_of_a_system_that_is_not_there(uploading_home: Home) -> None:
    result = uploading_home.akosha_hook("ls", "--system", "nobody")
    assert result.returncode == 1
    assert "Nothing is stored for nobody." in result.stderr
    assert "holds no uploads yet" in uploading_home.akosha_hook("ls").stdout


def test_what_is_missed_shows_in_ls_status_and_history(uploading_home: Home) -> None:
    graph = "knowledge_graph.duckdb"
    first = upload(uploading_home.paths)
    (uploading_home.paths.data / graph).unlink()
    change(uploading_home.paths.data / "reflection.duckdb", 3)
    second = upload(uploading_home.paths)
    rows = {
        line.split()[0]: line for line in uploading_home.akosha_hook("ls").stdout.splitlines()[2:]
    }
    assert "2 full" in rows[first]
    assert "1 delta, 1 carried" in rows[second]
    (system,) = json.loads(uploading_home.akosha_hook("ls", "--json").stdout)["systems"]
    stale = {each["name"]: each["stale"] for each in system["uploads"][0]["files"]}
    assert stale["reflection.duckdb"] is None
    assert stale[graph].keys() == {"reason", "since", "as_of"}
    (missed,) = json.loads(uploading_home.akosha_hook("status", "--json").stdout)["missed"]
    assert missed == {"name": graph, **stale[graph]}
    history = json.loads(uploading_home.akosha_hook("history", "--json").stdout)
    assert [[*each["skipped"]] for each in history] == [[graph], []]
    lines = uploading_home.akosha_hook("history").stdout.splitlines()
    assert lines[1].endswith(f"ok, without {graph}")
    assert lines[2].endswith("ok")


def test_ls_shows_which_machine_made_what(uploading_home: Home, tmp_path: Path) -> None:
    assert uploading_home.bucket is not None
    changed = upload(uploading_home.paths)
    write_manifest(
        uploading_home.bucket, changed, read_manifest(uploading_home.bucket, changed) | {"x": 1}
    )
    change(uploading_home.paths.data / "reflection.duckdb", 3)
    ours = upload(uploading_home.paths)
    other = another_machine(uploading_home, tmp_path)
    theirs = upload(other.paths)
    copy = copy_of(uploading_home, tmp_path / "copy")
    change(copy.paths.data / "reflection.duckdb", 3)
    copys = upload(copy.paths)
    result = uploading_home.akosha_hook("ls")
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[2:]}
    assert result.stdout.splitlines()[1].split()[:3] == ["Upload", "When", "Machine"]
    assert "this one" in rows[ours]
    assert machine_id(other)[:8] in rows[theirs]
    assert "changed" in rows[changed]
    assert result.stderr.startswith(f"Note: {copys} bears this machine's id")


def test_ls_says_what_is_of_the_future_and_what_is_no_uploads(uploading_home: Home) -> None:
    assert uploading_home.bucket is not None
    ours = upload(uploading_home.paths)
    document = read_manifest(uploading_home.bucket, ours)
    document["metadata"] |= {"upload_id": "planted", "sequence": 10**18, "machine_id": "m"}
    prefix = "systems/laptop/uploads"
    put(uploading_home.bucket, f"{prefix}/planted/manifest.json", json.dumps(document).encode())
    put(uploading_home.bucket, f"{prefix}/a b/x", b"")
    shown = uploading_home.akosha_hook("ls")
    assert "planted claims to be of more than a day ahead of this machine's clock" in shown.stderr
    assert f"can be no upload's: {prefix}/a b/x" in shown.stderr
    (system,) = json.loads(uploading_home.akosha_hook("ls", "--json").stdout)["systems"]
    assert [each["ahead"] for each in system["uploads"]] == [False, True]
    assert len(system["notes"]) == 1
    assert "Somebody has changed or planted uploads" in uploading_home.akosha_hook("status").stdout
