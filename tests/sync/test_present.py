"""What a dry run announces is what a sync then does, name by name, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.paths import Paths
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.duck import change, make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket

REFLECTION, GRAPH = "reflection.duckdb", "knowledge_graph.duckdb"


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=12)
    home = Home(paths, bucket)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False, akosha_system_id="laptop")
    return home


def nothing(home: Home) -> None: ...


def nothing_set(home: Home) -> None:
    home.unpin()
    home.paths.settings_yaml.unlink()


def no_bucket(home: Home) -> None:
    home.configure(akosha_cloud_bucket="")


def no_database(home: Home) -> None:
    for each in home.paths.data.iterdir():
        each.unlink()


def only_a_name(home: Home) -> None:
    home.configure(akosha_databases="gone.duckdb")


def no_data_directory(home: Home) -> None:
    no_database(home)
    home.paths.data.rmdir()


def one_empty(home: Home) -> None:
    (home.paths.data / GRAPH).write_bytes(b"")


def all_empty(home: Home) -> None:
    for each in home.paths.data.iterdir():
        each.write_bytes(b"")


def one_empty_that_was_stored(home: Home) -> None:
    stored(home)
    one_empty(home)


def damaged_header(home: Home) -> None:
    path = home.paths.data / REFLECTION
    path.write_bytes(b"\xff" * 64 + path.read_bytes()[64:])


def half_a_sqlite_file(home: Home) -> None:
    import sqlite3

    path = home.paths.data / "activity.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE t AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 "
        "FROM c LIMIT 9999) SELECT i, hex(randomblob(20)) h FROM c"
    )
    connection.execute("CREATE INDEX i ON t(h)")
    connection.commit()
    connection.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 8192 * 4096)


def one_missing(home: Home) -> None:
    stored(home)
    (home.paths.data / GRAPH).unlink()


def one_missing_and_one_changed(home: Home) -> None:
    one_missing(home)
    change(home.paths.data / REFLECTION, 1)


def stored(home: Home) -> None:
    assert home.akosha_hook("sync").returncode == 0


def one_changed(home: Home) -> None:
    stored(home)
    change(home.paths.data / REFLECTION, 1)


def with_files(home: Home) -> None:
    (home.paths.data / "sessions" / "1").mkdir(parents=True)
    (home.paths.data / "sessions" / "1" / "state.json").write_text("{}")


def with_stored_files(home: Home) -> None:
    with_files(home)
    stored(home)


def files_that_are_gone(home: Home) -> None:
    with_stored_files(home)
    (home.paths.data / "sessions" / "1" / "state.json").unlink()


def no_database_by_its_bytes(home: Home) -> None:
    (home.paths.data / "notes.db").write_bytes(b"not a database at all")


def touched(home: Home) -> None:
    stored(home)
    (home.paths.data / REFLECTION).touch()


def one_excluded(home: Home) -> None:
    stored(home)
    home.configure(akosha_databases=REFLECTION)


def everything_excluded(home: Home) -> None:
    stored(home)
    home.configure(akosha_databases="other*")


def held(home: Home) -> None:
    stored(home)
    before = home.paths.pin.read_bytes()
    home.configure(akosha_cloud_bucket="elsewhere")
    home.paths.pin.write_bytes(before)


def stored_without_deduplication(home: Home) -> None:
    stored(home)
    home.configure(akosha_enable_deduplication=False)


def a_directory_of_that_name(home: Home) -> None:
    (home.paths.data / REFLECTION).unlink()
    (home.paths.data / REFLECTION).mkdir()


HOMES: tuple[Callable[[Home], None], ...] = (
    nothing,
    nothing_set,
    no_bucket,
    no_database,
    only_a_name,
    no_data_directory,
    one_empty,
    all_empty,
    one_empty_that_was_stored,
    damaged_header,
    half_a_sqlite_file,
    one_missing,
    one_missing_and_one_changed,
    stored,
    one_changed,
    touched,
    with_files,
    with_stored_files,
    files_that_are_gone,
    no_database_by_its_bytes,
    one_excluded,
    everything_excluded,
    held,
    stored_without_deduplication,
    a_directory_of_that_name,
)


def announced(home: Home, *arguments: str) -> tuple[dict[str, str], int, dict[str, Any]]:
    """What `--dry-run` says of each name, how it exits, and the document."""
    before = contents(home)
    done = home.akosha_hook("sync", "--dry-run", "--json", *arguments)
    document = json.loads(done.stdout)
    assert contents(home) == before
    return (
        {each["name"]: each["state"] for each in document.get("files", ())},
        done.returncode,
        document,
    )


def contents(home: Home) -> dict[Path, bytes]:
    files = (each for each in home.paths.state.rglob("*") if each.is_file())
    return {each: each.read_bytes() for each in files if each != home.paths.log}


def done(home: Home, *arguments: str) -> tuple[dict[str, str], int, dict[str, Any]]:
    """What a sync does with each name, how it exits, and the document."""
    before = {each.upload_id for each in home.receipts()}
    done = home.akosha_hook("sync", "--json", *arguments)
    document = json.loads(done.stdout)
    states = dict.fromkeys(document.get("files_unchanged", ()), "unchanged")
    for receipt in home.receipts():
        if receipt.upload_id not in before:
            states |= {
                each.database: "send" if each.status == "uploaded" else "unchanged"
                for each in receipt.files
                if not each.stale
            }
    return states | document.get("skipped", {}), done.returncode, document


@pytest.mark.parametrize("prepare", HOMES, ids=lambda prepare: prepare.__name__)
def test_a_dry_run_announces_what_a_sync_does(
    at_home: Home, prepare: Callable[[Home], None]
) -> None:
    prepare(at_home)
    states, code, said = announced(at_home)
    assert (states, code) == done(at_home)[:2]
    if code == 3:
        assert said["error"]
        assert said["hint"]


def test_the_words_are_those_of_the_sync(at_home: Home) -> None:
    one_empty(at_home)
    _, _, said = announced(at_home)
    _, _, real = done(at_home)
    assert (said["error"], said["hint"]) == (real["error"], real["hint"])
    shown = at_home.akosha_hook("sync", "--dry-run")
    assert shown.returncode == 1
    assert f"Error: Not backed up: {GRAPH} is empty (0 bytes).\n" in shown.stderr
    assert shown.stdout.endswith("Nothing was sent.\n")


def test_everything_again(at_home: Home) -> None:
    stored(at_home)
    states, code, _ = announced(at_home, "--full")
    assert set(states.values()) == {"send"}
    assert (states, code) == done(at_home, "--full")[:2]


def test_a_push_to_an_akosha_server(paths: Paths) -> None:
    make_databases(paths.data, conversations=3)
    with serve(AkoshaServer(port=free_ports(1)[0])) as server:
        home = Home(paths)
        home.configure(akosha_force_method="http", akosha_http_url=server.url)
        for _ in range(2):
            states, code, _ = announced(home)
            assert (states, code) == done(home)[:2]
        (paths.data / REFLECTION).write_bytes(b"")
        states, code, _ = announced(home)
        assert (states, code) == done(home)[:2]


@pytest.mark.parametrize("prepare", HOMES, ids=lambda prepare: prepare.__name__)
def test_doctor_sees_what_a_sync_does(at_home: Home, prepare: Callable[[Home], None]) -> None:
    """No copy is offered that was never made, and no name is well that a sync complains about."""
    from akosha_hook.doctor import databases
    from tests.support.findings import context_of

    prepare(at_home)
    states, _, _ = announced(at_home)
    found = [each for each in databases.findings(context_of(at_home)) if each.area == "Databases"]
    stored_once = {file.database for each in at_home.receipts() for file in each.files}
    for each in found:
        if each.name not in stored_once:
            assert "akosha-hook restore" not in each.fix + each.detail, each
    well = {each.name for each in found} - {each.name for each in found if each.state != "ok"}
    never_there = {name for name, state in states.items() if name not in stored_once}
    for name, state in states.items():
        if name.endswith(".tar"):
            continue  # doctor/sets.py
        if state not in {"send", "unchanged"} and not (state == "missing" and name in never_there):
            assert name not in well, (name, state)
        if state in {"send", "unchanged"}:
            assert name in well, (name, state)
