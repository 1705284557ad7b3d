"""Damaged deltas and bases: DamagedError, bounded memory, and nothing left behind."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akosha_hook.errors import DamagedError
from akosha_hook.format import delta
from tests.format.delta_files import B, H, grid, make_plan, written


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
