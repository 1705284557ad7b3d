"""From plain bytes to equal parts: blocks, gzip, parts.

Every 1 MiB of plain bytes becomes a gzip member of its own (RFC 1952 allows any number), so that
members are compressed on all cores and the same bytes always give the same object: an interrupted
upload is continued by packing again.
"""

from __future__ import annotations

import io
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

MEMBER_BYTES = 1024 * 1024
GZIP_LEVEL = 2
_GZIP_FORMAT = 31  # zlib's wbits for a gzip header and trailer


def codec(*, compress: bool) -> str:
    """Names what produced an object's bytes: equal codecs give equal bytes."""
    return f"gzip/isal-{version('isal')}/{GZIP_LEVEL}/{MEMBER_BYTES}" if compress else "identity"


def read_blocks(path: Path, size: int = MEMBER_BYTES) -> Iterator[bytes]:
    """The file's bytes in blocks of `size`, the last one shorter."""
    with path.open("rb", buffering=0) as file:
        while block := file.read(size):
            yield block


def packed(
    blocks: Iterable[bytes], *, compress: bool, on_read: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """The object's bytes for plain `blocks`, in pieces of no particular size.

    Every block becomes a gzip member of its own, so cut them the same way every time. `on_read` is told of every plain byte once its packed form is handed out.
    """
    if not compress:
        for block in blocks:
            yield block
            if on_read:
                on_read(len(block))
        return
    yield from _compressed(blocks, on_read)


def _compressed(blocks: Iterable[bytes], on_read: Callable[[int], None] | None) -> Iterator[bytes]:
    workers = min(4, os.cpu_count() or 1)
    empty = True
    with ThreadPoolExecutor(workers, thread_name_prefix="gzip") as pool:
        ahead: deque[tuple[int, Future[bytes]]] = deque()
        for block in blocks:
            empty = False
            ahead.append((len(block), pool.submit(gzip_member, block)))
            if len(ahead) > workers:
                yield from _next(ahead, on_read)
        while ahead:
            yield from _next(ahead, on_read)
    if empty:
        yield gzip_member(b"")


def _next(
    ahead: deque[tuple[int, Future[bytes]]], on_read: Callable[[int], None] | None
) -> Iterator[bytes]:
    size, future = ahead.popleft()
    yield future.result()
    if on_read:
        on_read(size)


def gzip_member(block: bytes) -> bytes:
    """One complete gzip member; its header holds no time."""
    from isal import isal_zlib

    return bytes(isal_zlib.compress(block, GZIP_LEVEL, _GZIP_FORMAT))


def parts(pieces: Iterable[bytes], part_size: int) -> Iterator[bytes]:
    """Regroup `pieces` into parts of exactly `part_size` bytes; only the last may be shorter.

    Yields one empty part for no bytes at all. R2 wants all parts but the last equal.
    """
    part, room, yielded = io.BytesIO(), part_size, False
    for piece in pieces:
        rest = memoryview(piece)
        while len(rest) > room:
            part.write(rest[:room])
            # Not a copy: the buffer becomes the part.
            yield part.getvalue()
            part, rest, room, yielded = io.BytesIO(), rest[room:], part_size, True
        part.write(rest)
        room -= len(rest)
    if room < part_size or not yielded:
        yield part.getvalue()
