from __future__ import annotations

import fcntl
import hashlib
import os
import random
from pathlib import Path

import pytest

from akosha_hook.format.blocks import Blocks
from akosha_hook.snapshot.copy import FICLONE, Copied, copy_and_hash, hash_file

DATA = random.Random(5).randbytes(3_000_001)


def expected(data: bytes) -> Copied:
    blocks = Blocks()
    blocks.update(memoryview(data))
    return Copied(hashlib.sha256(data).hexdigest(), blocks.hashes())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def clone(target: object, request: int, source: int) -> int:
    """What the kernel does on a filesystem that shares blocks."""
    assert request == FICLONE
    assert hasattr(target, "fileno")
    with open(source, "rb", closefd=False) as file:
        os.pwrite(target.fileno(), file.read(), 0)
        file.seek(0)
    return 0


@pytest.fixture(params=["copied", "shared"])
def filesystem(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "shared":
        monkeypatch.setattr(fcntl, "ioctl", clone)


@pytest.mark.usefixtures("filesystem")
@pytest.mark.parametrize("size", [0, 1, 4096, 1 << 20, len(DATA) - 1, len(DATA)])
def test_the_first_bytes_are_copied_and_hashed(source: Path, tmp_path: Path, size: int) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"left by a killed run" * 200_000)
    assert copy_and_hash(source, target, size) == expected(DATA[:size])
    assert target.read_bytes() == DATA[:size]
    assert hash_file(target) == hashlib.sha256(DATA[:size]).hexdigest()
    assert source.read_bytes() == DATA


@pytest.mark.usefixtures("filesystem")
def test_a_file_that_is_shorter_than_it_was_is_noticed(source: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy_and_hash(source, tmp_path / "target", len(DATA) + 1)


def test_the_copy_is_private(source: Path, tmp_path: Path) -> None:
    copy_and_hash(source, tmp_path / "target", 10)
    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o600
