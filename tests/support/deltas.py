"""A delta written from the description in docs/object-format.md, by none of our own code."""

from __future__ import annotations

import hashlib
import json
from typing import Any

MAGIC = b"akosha-delta 1\n"
BLOCK = 4_096


def encode(base: bytes, target: bytes, **header_changes: Any) -> bytes:
    """The delta that makes `target` out of `base`, its header changed where a test wants it."""
    where = {base[start:end]: start for start, end in reversed(list(_grid(len(base))))}
    copies, literals, kept = [], [], bytearray()
    for start, end in _grid(len(target)):
        block = target[start:end]
        if block in where:
            copies.append([start, where[block], len(block)])
        else:
            literals.append([start, len(block)])
            kept += block
    header = {
        "size": len(target),
        "sha256": hashlib.sha256(target).hexdigest(),
        "block_size": BLOCK,
        "base_size": len(base),
        "base_sha256": hashlib.sha256(base).hexdigest(),
        "copies": copies,
        "literals": literals,
    } | header_changes
    encoded = json.dumps(header).encode()
    return MAGIC + len(encoded).to_bytes(8, "big") + encoded + bytes(kept)


def _grid(size: int) -> list[tuple[int, int]]:
    return [(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
