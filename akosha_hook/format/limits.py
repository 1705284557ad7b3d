"""How large what lies in a store may be, so that nothing is downloaded or unpacked beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akosha_hook.format.manifest import Delta, StoredFile

MAX_FILES = 1000
# A gzip of incompressible bytes is a little longer than they are; so is a delta with its header.
_OVERHEAD_SHARE = 64
_OVERHEAD_BYTES = 64 * 1024


def _with_overhead(size: int) -> int:
    return size + size // _OVERHEAD_SHARE + _OVERHEAD_BYTES


def max_plain(file: StoredFile) -> int:
    """The most plain bytes its object may hold: the file, or a delta's literals and header."""
    return _with_overhead(file.size) if file.delta else file.size


def max_stored(file: StoredFile) -> int:
    """The most bytes its object may have in the store."""
    plain = max_plain(file)
    return plain if file.compression == "identity" and not file.delta else _with_overhead(plain)


def max_stored_base(delta: Delta) -> int:
    """The most bytes the object of a delta's base may have in the store."""
    return _with_overhead(delta.base_size)
