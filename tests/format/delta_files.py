"""Deltas between small files and back, by the real writer and reader."""

from __future__ import annotations

from pathlib import Path

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
