from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from akosha_hook.demo.databases import make_graph_database, make_reflection_database
from akosha_hook.duckdb_reader import (
    Key,
    NotCheckedError,
    ReadError,
    Row,
    Table,
    Trouble,
    check,
    conversation_count,
    read,
)
from akosha_hook.duckdb_reader.__main__ import Reader
from tests.support.duckdb_files import (
    contents,
    crash_after,
    crash_in_checkpoint,
    make,
    make_too_new,
)

SECONDS = 60.0
V2 = "CREATE TABLE conversations_v2 (id VARCHAR PRIMARY KEY, content VARCHAR, embedding FLOAT[384])"
LEGACY = "CREATE TABLE conversations (id VARCHAR, content VARCHAR, created_at TIMESTAMP)"


def everything(table: Table, keys: list[Key]) -> list[int]:
    return [key.rowid for key in keys]


def rows_of(path: Path) -> list[Row]:
    found = read(path, everything, timeout_seconds=SECONDS)
    return [each for each in found if isinstance(each, Row)]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "copy" / "reflection.duckdb"
    path.parent.mkdir()
    make_reflection_database(path, conversations=30, reflections=5)
    return path


def test_conversations_are_counted(database: Path) -> None:
    assert conversation_count(database, timeout_seconds=SECONDS) == 30


def test_rows_in_the_wal_are_counted_and_no_file_is_touched(database: Path) -> None:
    crash_after(database, "INSERT INTO conversations_v2 (id, content) VALUES ('late', 'text')")
    before = contents(database.parent)
    assert "reflection.duckdb.wal" in before
    assert conversation_count(database, timeout_seconds=SECONDS) == 31
    assert check(database, timeout_seconds=SECONDS) is None
    assert contents(database.parent) == before


def test_a_copy_of_a_crash_in_a_checkpoint_is_read_whole(tmp_path: Path) -> None:
    database, acknowledged = crash_in_checkpoint(tmp_path)
    before = contents(database.parent)
    counted = conversation_count(database, timeout_seconds=SECONDS)
    assert counted is not None
    assert counted >= acknowledged
    assert contents(database.parent) == before


def test_a_conversation_in_the_old_and_the_new_table_counts_once(tmp_path: Path) -> None:
    path = make(
        tmp_path / "reflection.duckdb",
        V2,
        LEGACY,
        "INSERT INTO conversations_v2 (id, content) VALUES ('a', 'x'), ('b', 'x')",
        "INSERT INTO conversations (id, content) VALUES ('b', 'x'), ('c', 'x')",
    )
    assert conversation_count(path, timeout_seconds=SECONDS) == 3


def test_a_knowledge_graph_has_no_conversations(tmp_path: Path) -> None:
    make_graph_database(tmp_path / "knowledge_graph.duckdb", entities=3)
    path = tmp_path / "knowledge_graph.duckdb"
    assert conversation_count(path, timeout_seconds=SECONDS) == 0
    found = list(read(path, everything, timeout_seconds=SECONDS))
    assert found == [Table("kg_entities", "graph", 3)]


def test_what_cannot_be_counted_is_none_not_an_error(database: Path, tmp_path: Path) -> None:
    make_too_new(database)
    assert conversation_count(database, timeout_seconds=SECONDS) is None
    assert conversation_count(tmp_path / "missing.duckdb", timeout_seconds=SECONDS) is None


def test_a_reader_too_old_is_no_verdict(database: Path) -> None:
    make_too_new(database)
    with pytest.raises(NotCheckedError, match="version number") as caught:
        check(database, timeout_seconds=SECONDS)
    assert "pip install" in caught.value.hint


def test_damage_is_found_and_named(database: Path) -> None:
    data = bytearray(database.read_bytes())
    for block in range(12_288, len(data), 262_144):
        data[block + 100] ^= 0xFF
    database.write_bytes(data)
    problem = check(database, timeout_seconds=SECONDS)
    assert problem is not None
    assert "orrupt" in problem
    with pytest.raises(ReadError) as caught:
        rows_of(database)
    assert caught.value.trouble is Trouble.DAMAGED


def test_no_time_is_no_verdict_and_nothing_is_left_behind(database: Path) -> None:
    with pytest.raises(NotCheckedError, match="took longer"):
        check(database, timeout_seconds=0.0)
    assert conversation_count(database, timeout_seconds=0.0) is None
    assert set(contents(database.parent)) == {"reflection.duckdb"}


def test_the_child_ends_when_its_parent_is_gone(database: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "akosha_hook.duckdb_reader",
            "rows",
            str(database),
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert b"table" in child.stdout.readline()
        child.stdin.close()
        assert child.wait(timeout=60) == 1


def test_a_reader_that_cannot_be_started_is_no_verdict(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an environment that `pre-commit gc` removed under a running worker."""
    monkeypatch.setattr(sys, "executable", str(database.with_name("python")))
    assert conversation_count(database, timeout_seconds=SECONDS) is None
    with pytest.raises(NotCheckedError, match="could not be started"):
        check(database, timeout_seconds=SECONDS)
    with pytest.raises(ReadError, match="could not be started"):
        rows_of(database)


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        ("print('hello')", "never should"),
        ("raise SystemExit('no such module')", "no such module"),
        ("pass", "exit status 0"),
        ("print('{', end='')", "exit status 0"),
    ],
)
def test_a_reader_that_says_something_else_is_no_verdict(
    database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: str, heard: str
) -> None:
    impostor = tmp_path / "python"
    impostor.write_text(f"#!{sys.executable}\n{words}\n")
    impostor.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(impostor))
    with pytest.raises(ReadError, match=heard) as caught:
        rows_of(database)
    assert caught.value.trouble is Trouble.READER


def test_only_the_chosen_rows_are_sent(database: Path) -> None:
    def some(table: Table, keys: list[Key]) -> list[int]:
        return [key.rowid for key in keys if key.id in {"conversation-7", "reflection-3"}]

    found = list(read(database, some, timeout_seconds=SECONDS))
    assert [each for each in found if isinstance(each, Table)] == [
        Table("conversations_v2", "conversation", 30),
        Table("reflections_v2", "reflection", 5),
    ]
    chosen = [each for each in found if isinstance(each, Row)]
    assert len(chosen) == 2
    assert chosen[0].columns["session_id"] == "session-0"
    assert chosen[1].columns["tags"] == ["demo", "lesson"]


def test_more_rows_than_one_window_are_sent_once_each(tmp_path: Path) -> None:
    path = make(
        tmp_path / "reflection.duckdb",
        V2,
        "INSERT INTO conversations_v2 (id, content) SELECT i, 'text ' || i FROM range(5000) t(i)",
        "DELETE FROM conversations_v2 WHERE id::INT BETWEEN 100 AND 4500",
    )
    texts = [row.text for row in rows_of(path)]
    assert texts == [f"text {n}" for n in (*range(100), *range(4501, 5000))]


def test_a_reader_that_stops_early_leaves_nothing_running(database: Path) -> None:
    found = read(database, everything, timeout_seconds=SECONDS)
    assert isinstance(next(found), Table)
    found.close()
    assert set(contents(database.parent)) == {"reflection.duckdb"}


def test_reading_a_large_database_takes_little_memory(tmp_path: Path) -> None:
    """130 MB of embeddings; the limit is what the whole child may take, DuckDB's code included."""
    path = make(
        tmp_path / "reflection.duckdb",
        V2,
        "INSERT INTO conversations_v2 SELECT i, 'text ' || i, "
        "list_transform(range(384), lambda x: random())::FLOAT[384] FROM range(80000) t(i)",
    )
    program = (
        "import resource, sys, pathlib\n"
        "from akosha_hook import duckdb_reader as rows\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "assert rows.check(path, timeout_seconds=100) is None\n"
        "list(rows.read(path, lambda table, keys: [keys[0].rowid], timeout_seconds=100))\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 130_000_000


def test_a_database_of_somebody_elses_making_reads_no_other_file(tmp_path: Path) -> None:
    """A restore looks into what a bucket holds; a table function would take it further."""
    path, private = tmp_path / "theirs.duckdb", tmp_path / "private"
    private.write_text("precious")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE VIEW conversations AS SELECT * FROM read_text('{private}')")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    reader = Reader(str(path), str(scratch))
    for query in ("SELECT * FROM conversations", f"COPY (SELECT 1) TO '{tmp_path}/written'"):
        with pytest.raises(duckdb.PermissionException):
            reader.all(query)
    assert not (tmp_path / "written").exists()
