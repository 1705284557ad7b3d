"""What changed since a full upload: a delta, and the file put together again from both."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from akosha_hook.demo.databases import (
    add_conversations,
    add_reflections,
    make_reflection_database,
)
from akosha_hook.format import delta
from tests.format.delta_files import B, H, grid, make_plan, round_trip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.integers(0, 9), max_size=8),
    after=st.lists(st.integers(0, 12), max_size=8),
    tails=st.tuples(st.integers(0, 300), st.integers(0, 300)),
)
def test_base_and_delta_give_the_file(
    tmp_path: Path, before: list[int], after: list[int], tails: tuple[int, int]
) -> None:
    """Growth, shrinking, blocks that move, repeat, appear and go, and odd ends."""
    base, new = tmp_path / "base", tmp_path / "new"
    base.write_bytes(grid(before, tail=tails[0]))
    new.write_bytes(grid(after, tail=tails[1]))
    round_trip(base, new, tmp_path)


EDITS = st.sampled_from(
    ["insert", "grow", "update", "delete", "checkpoint", "reflections", "vacuum", "rewrite"]
)


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(EDITS, st.integers(1, 40)), min_size=1, max_size=5))
@example([("insert", 10), ("checkpoint", 1), ("delete", 1), ("rewrite", 1), ("insert", 1)])
def test_edit_scripts_on_a_real_database_come_back_byte_for_byte(
    tmp_path: Path, script: list[tuple[str, int]]
) -> None:
    """After every edit, the database open and its write-ahead log beside it; and when closed."""
    base, live = tmp_path / "base.duckdb", tmp_path / "live.duckdb"
    for path in tmp_path.glob("*.duckdb*"):
        path.unlink()
    make_reflection_database(base, conversations=400, reflections=50)
    live.write_bytes(base.read_bytes())
    log = tmp_path / "live.duckdb.wal"
    before = tmp_path / "before.wal"
    before.write_bytes(b"")
    for number, (edit, count) in enumerate(script):
        if edit == "rewrite":
            rewrite(live)
        else:
            with duckdb.connect(str(live)) as connection:
                run_edit(connection, edit, count, start=2000 * (number + 1))
                comes_back(base, live, tmp_path)
                if log.exists():
                    comes_back(before, log, tmp_path)
                    before.write_bytes(log.read_bytes())
        comes_back(base, live, tmp_path)


def comes_back(base: Path, live: Path, tmp_path: Path) -> None:
    """What is there now, as the next upload would take it."""
    new = tmp_path / "new"
    new.write_bytes(live.read_bytes())
    round_trip(base, new, tmp_path)


def rewrite(path: Path) -> None:
    """Copy everything into a new file in its place: smaller, and every block somewhere else."""
    fresh = path.with_name("fresh.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{fresh}' AS fresh")
        connection.execute("COPY FROM DATABASE old TO fresh")
    fresh.replace(path)


def run_edit(connection: duckdb.DuckDBPyConnection, edit: str, count: int, *, start: int) -> None:
    match edit:
        case "insert":
            add_conversations(connection, count, start=start)
        case "grow":
            add_conversations(connection, 50 * count, start=start)
        case "reflections":
            add_reflections(connection, count, start=start)
        case "update":
            connection.execute(
                "UPDATE conversations_v2 SET access_count = access_count + 1 WHERE rowid % ? = 0",
                [count],
            )
        case "delete":
            connection.execute("DELETE FROM conversations_v2 WHERE rowid % ? = 0", [count])
        case "checkpoint":
            connection.execute("CHECKPOINT")
        case "vacuum":
            connection.execute("VACUUM ANALYZE")


def test_a_real_database_that_shrank_comes_back_from_a_delta(tmp_path: Path) -> None:
    """Free blocks at its end go with a checkpoint."""
    base, new = tmp_path / "base.duckdb", tmp_path / "new.duckdb"
    make_reflection_database(base, conversations=2000)
    with duckdb.connect(str(base)) as connection:
        connection.execute("CREATE TABLE ballast AS SELECT random() FROM range(1_000_000)")
    new.write_bytes(base.read_bytes())
    with duckdb.connect(str(new)) as connection:
        connection.execute("DROP TABLE ballast")
        connection.execute("CHECKPOINT")
    assert new.stat().st_size < base.stat().st_size
    size = round_trip(base, new, tmp_path)
    assert size is not None


def test_a_block_that_only_moved_is_not_sent(tmp_path: Path) -> None:
    base, new = tmp_path / "base", tmp_path / "new"
    base.write_bytes(grid([1, 2, 3, 4]))
    new.write_bytes(grid([4, 3, 2, 1]))
    assert round_trip(base, new, tmp_path) == 0


def test_ten_rows_in_a_real_database_are_a_small_delta(tmp_path: Path) -> None:
    base, new = tmp_path / "base.duckdb", tmp_path / "new.duckdb"
    make_reflection_database(base, conversations=3000, reflections=50)
    new.write_bytes(base.read_bytes())
    with duckdb.connect(str(new)) as connection:
        add_conversations(connection, 10, start=3000)
    size = round_trip(base, new, tmp_path)
    assert size is not None
    assert size < new.stat().st_size / 6


def test_more_extents_than_a_header_should_hold_make_no_delta(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta, "MAX_EXTENTS", 7)
    base, new = tmp_path / "base", tmp_path / "new"
    base.write_bytes(grid([1, 2, 3, 4, 5, 6, 7, 8]))
    new.write_bytes(grid([1, 3, 2, 5, 4, 7, 6, 8]))
    assert make_plan(base, new) is None
    monkeypatch.setattr(delta, "MAX_EXTENTS", 8)
    assert make_plan(base, new) is not None


def test_a_write_ahead_log_that_grew_sends_its_end(tmp_path: Path) -> None:
    source = random.Random(3)
    base, new = tmp_path / "base.wal", tmp_path / "new.wal"
    beginning = source.randbytes(H + 8 * B)
    base.write_bytes(beginning + source.randbytes(1000))
    new.write_bytes(beginning + source.randbytes(5000))
    assert round_trip(base, new, tmp_path) == 5000


def test_a_delta_that_would_be_a_third_of_the_file_is_not_made(tmp_path: Path) -> None:
    base, new = tmp_path / "base", tmp_path / "new"
    base.write_bytes(grid([1, 2, 3, 4]))
    new.write_bytes(grid([1, 2, 8, 9]))
    assert make_plan(base, new) is None
