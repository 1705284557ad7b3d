"""Block hashes of full uploads, kept beside the receipts: what a delta is computed against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.format.blocks import HASH_BYTES, count
from akosha_hook.util import files

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths

_MAGIC = b"akosha-blocks 2\n"


def path_of(paths: Paths, key: str) -> Path:
    """Where the block hashes of the full upload at `key` are kept."""
    upload_id, name = key.split("/")[3:5]
    return paths.receipts / f"{upload_id}.{name}.blocks"


def save(paths: Paths, key: str, *, sha256: str, size: int, hashes: bytes) -> None:
    """Keep the block hashes of the file at `key`, which has that hash and size."""
    files.write_atomic(path_of(paths, key), _MAGIC + f"{sha256} {size}\n".encode() + hashes)


def load(paths: Paths, key: str, *, sha256: str, size: int) -> bytes | None:
    """The hashes kept for that very file; None where they are missing or damaged."""
    path = path_of(paths, key)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    beginning = _MAGIC + f"{sha256} {size}\n".encode()
    hashes = data[len(beginning) :]
    if not data.startswith(beginning) or len(hashes) != count(size) * HASH_BYTES:
        files.set_aside(path)
        return None
    return hashes
