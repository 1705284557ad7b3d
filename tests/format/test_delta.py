from __future__ import annotations

import json
import random
import tracemalloc
from pathlib import Path

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from akosha_hook.demo.databases import (
    add_conversations,
    add_reflections,
    make_reflection_database,
)
from akosha_hook.errors import DamagedError
from akosha_hook.format import blocks, delta
from akosha_hook.snapshot.copy import copy_and_hash

B = H = blocks.BLOCK_BYTES


def index(path: Path) -> tuple[str, int, bytes]:
    copied = copy_and_hash(path, path.with_name("copy"), path.stat().st_size)
    return copied.sha256, path.stat().st_size, copied.blocks


def make_plan(base: Path, new: Path) -> delta.Plan | None:
    sha256, size, hashes = index(new)
    return delta.plan(new, size=size, sha256=sha256, hashes=hashes, base=index(base))


def written(plan: delta.Plan, path: Path) -> Path:
    path.write_bytes(b"".join(plan.read()))
    return path


def round_trip(base: Path, new: Path, tmp_path: Path) -> int | None:
    """Bytes of the delta that gives `new` again; None where it would not be worth it."""
    plan = make_plan(base, new)
    if plan is None:
        return None
    target = tmp_path / "target"
    target.unlink(missing_ok=True)
    delta.apply(base, written(plan, tmp_path / "delta"), target)
    assert target.read_bytes() == new.read_bytes()
    return plan.size


def grid(contents: list[int], *, tail: int = 0) -> bytes:
    """A file of blocks, each filled with its number, and an odd tail."""
    filled = b"".join(bytes([content % 256]) * B for content in contents)
    return b"H" * H + filled + b"t" * tail


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


def test_block_hashes_do_not_depend_on_how_the_bytes_arrive() -> None:
    data = random.Random(4).randbytes(5 * B + 77)
    whole = blocks.Blocks()
    whole.update(memoryview(data))
    assert len(whole.hashes()) == blocks.count(len(data)) * blocks.HASH_BYTES
    for size in (1000, B, B + 1, 3 * B):
        pieces = blocks.Blocks()
        for start in range(0, len(data), size):
            pieces.update(memoryview(data)[start : start + size])
        assert pieces.hashes() == whole.hashes()


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


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, delta.Plan]:
    base, new = tmp_path / "base", tmp_path / "new"
    base.write_bytes(grid([1, 2, 3, 4]))
    new.write_bytes(grid([1, 2, 3, 9]))
    plan = make_plan(base, new)
    assert plan is not None
    return base, new, plan


def test_a_damaged_base_is_noticed_and_nothing_is_left(
    pair: tuple[Path, Path, delta.Plan], tmp_path: Path
) -> None:
    base, _, plan = pair
    changes = written(plan, tmp_path / "delta")
    damaged = bytearray(base.read_bytes())
    damaged[H + 5] ^= 1
    base.write_bytes(damaged)
    with pytest.raises(DamagedError, match="do not give"):
        delta.apply(base, changes, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_base_of_another_size_is_refused(
    pair: tuple[Path, Path, delta.Plan], tmp_path: Path
) -> None:
    base, _, plan = pair
    changes = written(plan, tmp_path / "delta")
    base.write_bytes(base.read_bytes() + b"more")
    with pytest.raises(DamagedError, match="not the base"):
        delta.apply(base, changes, tmp_path / "target")


def test_a_delta_cut_short_is_noticed(pair: tuple[Path, Path, delta.Plan], tmp_path: Path) -> None:
    base, _, plan = pair
    changes = written(plan, tmp_path / "delta")
    changes.write_bytes(changes.read_bytes()[:-1])
    with pytest.raises(DamagedError, match="ends early"):
        delta.apply(base, changes, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def with_header(path: Path, plan: delta.Plan, **changes: object) -> Path:
    header = msgspec.structs.replace(plan.header, **changes)
    return written(delta.Plan(plan.path, header), path)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"copies": [(0, 10**9, H + 3 * B)]}, "outside its base"),
        ({"copies": []}, "gap"),
        ({"literals": []}, "cover"),
        ({"literals": [(H, B), (H + 3 * B, B)]}, "gap|twice"),
        ({"size": 10**10}, "cover"),
    ],
)
def test_a_header_that_lies_is_refused(
    pair: tuple[Path, Path, delta.Plan],
    tmp_path: Path,
    changes: dict[str, object],
    problem: str,
) -> None:
    base, _, plan = pair
    with pytest.raises(DamagedError, match=problem):
        delta.apply(base, with_header(tmp_path / "delta", plan, **changes), tmp_path / "target")
    assert not (tmp_path / "target").exists()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.booleans())
def test_garbage_is_damage_and_nothing_else(tmp_path: Path, data: bytes, magic: bool) -> None:
    base, changes, target = tmp_path / "base", tmp_path / "delta", tmp_path / "target"
    base.write_bytes(b"base")
    changes.write_bytes((delta.MAGIC if magic else b"") + data)
    with pytest.raises(DamagedError):
        delta.apply(base, changes, target)
    assert not target.exists()


def header_of(path: Path, encoded: bytes) -> Path:
    path.write_bytes(delta.MAGIC + len(encoded).to_bytes(8, "big") + encoded)
    return path


def test_a_header_longer_than_the_file_needs_is_not_read(tmp_path: Path) -> None:
    """A gzip of some kilobytes holds millions of extents, and each takes memory."""
    changes = header_of(tmp_path / "delta", b" " * delta.max_header_bytes(5 * B))
    with changes.open("rb") as opened, pytest.raises(DamagedError, match="cannot be read"):
        delta.read_header(opened, size=5 * B)
    with changes.open("rb") as opened, pytest.raises(DamagedError, match="no delta of a kind"):
        delta.read_header(opened, size=4 * B)


def test_a_header_of_more_extents_than_any_is_not_parsed(tmp_path: Path) -> None:
    changes = header_of(tmp_path / "delta", b'{"literals":[' + b"[0,0]," * delta.MAX_EXTENTS * 2)
    tracemalloc.start()
    try:
        with changes.open("rb") as opened, pytest.raises(DamagedError, match="500,000 extents"):
            delta.read_header(opened)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * changes.stat().st_size


@pytest.mark.parametrize("number", [1, 2, 100, 4001])
def test_a_header_that_names_every_block_by_itself_is_read(tmp_path: Path, number: int) -> None:
    """The longest one that we, or whoever follows the description, may write."""
    size, far = number * B, 99_999_999_999
    copies = [(n * B, far - B - n * B, B) for n in range(0, number, 2)]
    header = delta.Header(
        size=size,
        sha256="0" * 64,
        base_size=far,
        base_sha256="0" * 64,
        copies=copies,
        literals=[(n * B, B) for n in range(1, number, 2)],
    )
    changes = header_of(tmp_path / "delta", json.dumps(msgspec.to_builtins(header)).encode())
    with changes.open("rb") as opened:
        assert delta.read_header(opened, size=size) == header
