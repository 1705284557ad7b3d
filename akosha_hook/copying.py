"""Copying a file and hashing it in one pass."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from akosha_hook.files import FILE_MODE

if TYPE_CHECKING:
    from pathlib import Path

BUFFER_BYTES = 1024 * 1024


def copy_and_hash(source: Path, target: Path, size: int) -> str:
    """Copy the first `size` bytes of `source` and return their SHA-256 as hex.

    Raises FileNotFoundError where fewer bytes are there: the file was replaced.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(BUFFER_BYTES))
    left = size
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with source.open("rb", buffering=0) as reader, os.fdopen(descriptor, "wb") as writer:
        while left:
            count = reader.readinto(buffer[: min(left, BUFFER_BYTES)])
            if not count:
                raise FileNotFoundError(source)
            digest.update(buffer[:count])
            writer.write(buffer[:count])
            left -= count
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of the file's bytes as hex."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
