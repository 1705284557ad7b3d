"""Databases that a plain open cannot replay, as Session-Buddy's first session leaves them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from akosha_hook.duckdb_reader import ReadError, check, conversation_count, inspect, replay
from akosha_hook.duckdb_reader.opening import open_copy
from akosha_hook.errors import Kind
from tests.duckdb_reader.conftest import SECONDS, rows_of
from tests.support.duckdb_files import contents, crash_after, make_too_new
from tests.support.first_session import ROWS, make_first_session, open_plainly, rows_in
from tests.support.raw_http import raw_server


@pytest.fixture
def first_session(tmp_path: Path) -> Path:
    return make_first_session(tmp_path / 'it\'s a "copy"; é' / "reflection.duckdb")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_is_sound_and_nothing_of_it_is_changed(tmp_path: Path, end: signal.Signals) -> None:
    path = make_first_session(tmp_path / "copy" / "reflection.duckdb", end=end)
    before = contents(path.parent)
    with pytest.raises(duckdb.Error, match="replaying WAL"):
        open_plainly(path)
    assert inspect(path, timeout_seconds=SECONDS) == (None, ())
    assert conversation_count(path, timeout_seconds=SECONDS) == ROWS
    assert [each.text for each in rows_of(path)] == [
        *(f"text {number}" for number in range(ROWS)),
        "a reflection",
    ]
    assert contents(path.parent) == before


def test_what_it_carries_is_found(tmp_path: Path) -> None:
    path = make_first_session(
        tmp_path / "r.duckdb", "CREATE MACRO now() AS 1", "CREATE VIEW v AS SELECT 1"
    )
    assert set(inspect(path, timeout_seconds=SECONDS).carries) == {"the macro now", "the view v"}


def test_a_view_in_it_cannot_read_other_files(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.write_text("precious")
    path = make_first_session(
        tmp_path / "r.duckdb", f"CREATE VIEW v AS SELECT * FROM read_text('{private}')"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with open_copy(str(path), str(scratch), 40) as connection:
        for query in ("SELECT * FROM v", f"ATTACH '{private}' AS other", "LOAD httpfs"):
            with pytest.raises(duckdb.PermissionException):
                connection.execute(query)


def damage_log(path: Path) -> None:
    wal = path.with_name(path.name + ".wal")
    data = bytearray(wal.read_bytes())
    data[len(data) // 2] ^= 0xFF
    wal.write_bytes(data)


def test_one_whose_log_is_damaged_is_damaged_and_a_plain_open_says_how(first_session: Path) -> None:
    damage_log(first_session)
    with pytest.raises(duckdb.Error) as caught:
        open_plainly(first_session)
    assert check(first_session, timeout_seconds=SECONDS) == str(caught.value).split("\n")[0]


def test_one_of_a_newer_duckdb_is_too_new(first_session: Path) -> None:
    make_too_new(first_session)
    with pytest.raises(ReadError) as caught:
        rows_of(first_session)
    assert caught.value.kind is Kind.TOO_NEW


def test_after_a_replay_a_plain_open_finds_every_row(first_session: Path) -> None:
    before = rows_in(first_session)
    assert replay(first_session, timeout_seconds=SECONDS)
    open_plainly(first_session)
    assert rows_in(first_session) == before
    assert list(contents(first_session.parent)) == ["reflection.duckdb"]


def test_what_a_plain_open_can_replay_is_left_as_it_is(database: Path) -> None:
    crash_after(database, "INSERT INTO conversations_v2 (id, content) VALUES ('late', 'text')")
    before = contents(database.parent)
    assert "reflection.duckdb.wal" in before
    assert not replay(database, timeout_seconds=SECONDS)
    assert contents(database.parent) == before


def test_a_log_that_cannot_be_replayed_is_no_success(first_session: Path) -> None:
    damage_log(first_session)
    with pytest.raises(ReadError):
        replay(first_session, timeout_seconds=SECONDS)


def test_no_extension_is_looked_for_in_the_network(first_session: Path, tmp_path: Path) -> None:
    """DuckDB itself would: a plain open asks the proxy of the environment for one."""
    home, scratch = tmp_path / "nobody", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    asked: list[object] = []
    with raw_server(*[asked.append] * 20) as url:
        proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), url)
        environ = {**os.environ, **proxies, "no_proxy": "", "HOME": str(home)}

        def run(*arguments: str) -> bytes:
            with subprocess.Popen(
                [sys.executable, "-P", *arguments],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(b"[]\n" * 5)
                process.stdin.flush()  # and not closed: the child ends with its parent
                return process.stdout.read()

        def read_it(mode: str) -> None:
            said = run("-m", "akosha_hook.duckdb_reader", mode, str(first_session), str(scratch))
            assert said.endswith(b'{"type":"end"}\n'), said

        for mode in ("count", "check", "rows"):
            read_it(mode)
        assert asked == []
        if int(duckdb.__version__.split(".")[0]) >= 2:
            plainly = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True)"
            assert b"Failed to download extension" in run("-c", plainly, str(first_session))
            assert asked != []
            asked.clear()
            shutil.rmtree(home / ".duckdb")
        read_it("replay")
        assert asked == []
    assert list(home.iterdir()) == []
    open_plainly(first_session)


def test_a_large_log_is_replayed(tmp_path: Path) -> None:
    """More than what reading a copy may take at first."""
    path = make_first_session(
        tmp_path / "copy" / "reflection.duckdb",
        "SET checkpoint_threshold = '1GB'",
        "INSERT INTO conversations_v2 (id, content, embedding) SELECT 'x' || i, repeat('y' || i, 9), "
        "list_transform(range(384), lambda x: random())::FLOAT[384] FROM range(20000) t(i)",
    )
    assert path.with_name(path.name + ".wal").stat().st_size > 30_000_000
    assert conversation_count(path, timeout_seconds=SECONDS) == ROWS + 20_000
    assert check(path, timeout_seconds=SECONDS) is None
    assert replay(path, timeout_seconds=SECONDS)
    open_plainly(path)
    assert conversation_count(path, timeout_seconds=SECONDS) == ROWS + 20_000
