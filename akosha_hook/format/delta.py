"""What changed since a full upload, and a file put together again from both.

The format is docs/object-format.md's. A delta is differential: the full upload and one delta give
the file, however many deltas were made in between.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, BinaryIO

import msgspec
from msgspec import Meta

from akosha_hook.errors import DamagedError
from akosha_hook.format.blocks import BLOCK_BYTES, HASH_BYTES, count
from akosha_hook.util.files import FILE_MODE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAGIC = b"akosha-delta 1\n"
LENGTH_BYTES = 8
# A pair of extents takes about 50 bytes of the header, and some 200 of memory.
MAX_EXTENTS = 500_000
_HEADER_BYTES, _EXTENT_BYTES = 4096, 80
PIECE_BYTES = 1024 * 1024
# Beyond this share of the file a full upload costs little more and is a base for cheaper deltas.
WORTHWHILE = 1 / 3

MAX_FILE_BYTES = 100_000_000_000
Offset = Annotated[int, Meta(ge=0, le=MAX_FILE_BYTES)]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """`copies` are (target offset, base offset, length), `literals` (target offset, length)."""

    size: Offset
    sha256: str
    block_size: int = BLOCK_BYTES
    base_size: Offset
    base_sha256: str
    copies: list[tuple[Offset, Offset, Offset]]
    literals: list[tuple[Offset, Offset]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A delta of the file at `path`, ready to be written."""

    path: Path
    header: Header

    @property
    def size(self) -> int:
        """Bytes of the delta before compression, its header's length aside."""
        return sum(length for _, length in self.header.literals)

    def read(self) -> Iterator[bytes]:
        """The delta's plain bytes, in pieces; the same ones every time."""
        encoded = msgspec.json.encode(self.header)
        yield MAGIC + len(encoded).to_bytes(LENGTH_BYTES, "big") + encoded
        with self.path.open("rb", buffering=0) as file:
            for offset, length in self.header.literals:
                file.seek(offset)
                yield from _pieces(file, length)


def plan(
    path: Path, *, size: int, sha256: str, hashes: bytes, base: tuple[str, int, bytes]
) -> Plan | None:
    """A delta against `base` (its sha256, size and block hashes); None where it is not worth it."""
    base_sha256, base_size, base_hashes = base
    copies: list[tuple[int, int, int]] = []
    literals: list[tuple[int, int]] = []
    for number, source in enumerate(_sources(hashes, base_hashes)):
        offset = number * BLOCK_BYTES
        length = min(BLOCK_BYTES, size - offset)
        if source is None:
            _add_literal(literals, offset, length)
        else:
            _add_copy(copies, offset, source * BLOCK_BYTES, length)
    changed = sum(length for _, length in literals)
    if changed > size * WORTHWHILE or len(copies) + len(literals) > MAX_EXTENTS:
        return None
    header = Header(
        size=size,
        sha256=sha256,
        base_size=base_size,
        base_sha256=base_sha256,
        copies=copies,
        literals=literals,
    )
    return Plan(path, header)


def apply(base: Path, delta: Path, target: Path, *, size: int | None = None) -> None:
    """Put the file together at `target`, which must not exist; nothing is left there on failure.

    `size` is the file's, where it is known: a header longer than such a file needs is not read.
    Raises DamagedError where the delta is not one, reaches outside its base or its result, leaves
    a gap, or the result is not the file it promises.
    """
    with delta.open("rb") as changes, base.open("rb", buffering=0) as source:
        header = read_header(changes, size=size)
        if os.fstat(source.fileno()).st_size != header.base_size:
            raise DamagedError(f"{base.name} is not the base that {delta.name} was made for.")
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as result:
                _assemble(header, source, changes, result)
                result.flush()
                os.fsync(result.fileno())
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def max_header_bytes(size: int) -> int:
    """The longest header that the delta of a file of `size` bytes may have."""
    return _HEADER_BYTES + _EXTENT_BYTES * min(count(size) + 1, MAX_EXTENTS)


def read_header(delta: BinaryIO, *, size: int | None = None) -> Header:
    """The header, checked to cover its result once, in order, from within its base.

    `size` is as in `apply`. Raises DamagedError.
    """
    beginning = delta.read(len(MAGIC) + LENGTH_BYTES)
    length = int.from_bytes(beginning[len(MAGIC) :], "big")
    longest = max_header_bytes(MAX_FILE_BYTES if size is None else size)
    if not beginning.startswith(MAGIC) or length > longest:
        raise DamagedError("This is no delta of a kind known here.")
    encoded = delta.read(length)
    # Counted before any of them takes memory.
    if encoded.count(b"[") > MAX_EXTENTS + 2:
        raise DamagedError(f"The delta's header names more than {MAX_EXTENTS:,} extents.")
    try:
        header = msgspec.json.decode(encoded, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedError(f"The delta's header cannot be read: {error}.") from error
    position = 0
    for offset, extent, source in _extents(header):
        if offset != position or extent == 0:
            raise DamagedError("The delta leaves a gap, or says something twice.")
        if source is not None and source + extent > header.base_size:
            raise DamagedError("The delta reaches outside its base.")
        position += extent
    if position != header.size:
        raise DamagedError("The delta does not cover the whole file.")
    return header


def _extents(header: Header) -> list[tuple[int, int, int | None]]:
    """Target offset, length, and base offset (None for a literal), in target order."""
    copies = [(offset, length, source) for offset, source, length in header.copies]
    literals = [(offset, length, None) for offset, length in header.literals]
    return sorted([*copies, *literals], key=lambda extent: extent[0])


def _assemble(header: Header, base: BinaryIO, literals: BinaryIO, result: BinaryIO) -> None:
    digest = hashlib.sha256()
    for _, length, source in _extents(header):
        if source is not None:
            base.seek(source)
        for piece in _pieces(literals if source is None else base, length):
            digest.update(piece)
            result.write(piece)
    if digest.hexdigest() != header.sha256:
        raise DamagedError("A delta and its base do not give the file they promise.")


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        piece = file.read(min(length, PIECE_BYTES))
        if not piece:
            raise DamagedError("A delta, or its base, ends early.")
        length -= len(piece)
        yield piece


def _sources(hashes: bytes, base: bytes) -> Iterator[int | None]:
    """For each block its number in the base; None for one that is nowhere in it.

    One that follows on from the block before is preferred, then one in the same place: that makes
    the longest extents. Only blocks that moved are looked for, so memory follows the change.
    """
    wanted = _find(_moved(hashes, base), base)
    after = 0
    for number in range(len(hashes) // HASH_BYTES):
        digest = _at(hashes, number)
        source: int | None
        if digest == _at(base, after):
            source = after
        elif digest == _at(base, number):
            source = number
        else:
            source = wanted.get(digest)
        yield source
        after = number + 1 if source is None else source + 1


def _moved(hashes: bytes, base: bytes) -> Iterator[bytes]:
    for number in range(len(hashes) // HASH_BYTES):
        digest = _at(hashes, number)
        if digest != _at(base, number):
            yield digest


def _find(digests: Iterable[bytes], base: bytes) -> dict[bytes, int]:
    """Where in the base each of them is first; those that are nowhere in it are not in the result."""
    wanted = set(digests)
    numbers: dict[bytes, int] = {}
    for number in range(len(base) // HASH_BYTES) if wanted else ():
        digest = _at(base, number)
        if digest in wanted:
            numbers.setdefault(digest, number)
    return numbers


def _at(hashes: bytes, number: int) -> bytes:
    return hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES]


def _add_copy(copies: list[tuple[int, int, int]], offset: int, source: int, length: int) -> None:
    if copies:
        before, base, size = copies[-1]
        if before + size == offset and base + size == source:
            copies[-1] = (before, base, size + length)
            return
    copies.append((offset, source, length))


def _add_literal(literals: list[tuple[int, int]], offset: int, length: int) -> None:
    if literals and sum(literals[-1]) == offset:
        literals[-1] = (literals[-1][0], literals[-1][1] + length)
        return
    literals.append((offset, length))
