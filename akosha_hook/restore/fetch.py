"""One object from the bucket to a file: ranges in parallel, gunzipped and hashed on the way."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from akosha_hook.errors import DamagedError, DeliveryError, Kind
from akosha_hook.util.files import FILE_MODE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from akosha_hook.stores.base import ObjectStore

RANGE_BYTES = 4 * 1024 * 1024
RANGES = 4
PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """An object, and what its manifest says of it.

    `size` is of the plain bytes: the exact one where `sha256` is given, else the most there may be.
    """

    key: str
    stored_size: int
    compressed: bool
    size: int
    sha256: str = ""


def fetch(
    store: ObjectStore,
    source: Source,
    target: Path,
    advance: Callable[[int, int], None],
    *,
    kept: Path | None = None,
) -> None:
    """Write the object's plain bytes to the new file `target`, durably.

    `advance(plain, wire)` is told of every byte. At most `size` bytes are written, whatever the
    object holds. Stored bytes go to `kept` as they come, and those that an interrupted fetch left
    there are not asked for again. Raises DamagedError where the object is not what its manifest
    says.
    """
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    digest = hashlib.sha256()
    written = 0
    # Buffered: a disk that fills up takes part of what an unbuffered write is given, and says so.
    with os.fdopen(descriptor, "wb") as file:
        for piece in _plain(source, _stored(store, source, advance, kept)):
            written += len(piece)
            if written > source.size:
                raise DamagedError(f"{source.key} holds more than its manifest says.")
            digest.update(piece)
            file.write(piece)
            advance(len(piece), 0)
        file.flush()
        os.fsync(file.fileno())
    if source.sha256 and (written != source.size or digest.hexdigest() != source.sha256):
        raise DamagedError(
            f"{source.key} is not what its manifest says (SHA-256 differs).",
            hint="akosha-hook ls shows earlier uploads; akosha-hook sync --full makes a new one.",
        )


def _plain(source: Source, pieces: Generator[bytes]) -> Iterator[bytes]:
    with contextlib.closing(pieces):
        if not source.compressed:
            yield from pieces
            return
        from isal import igzip, isal_zlib

        # isal's own types do not say that this is an exception.
        damage: Any = (OSError, EOFError, isal_zlib.error)

        try:
            with igzip.IGzipFile(fileobj=_Stream(pieces), mode="rb") as file:  # type: ignore[no-untyped-call]
                while piece := file.read(PIECE_BYTES):
                    yield bytes(piece)
        except damage as error:
            raise DamagedError(
                f"{source.key} is a truncated or corrupt gzip stream: {error}."
            ) from error


def _stored(
    store: ObjectStore, source: Source, advance: Callable[[int, int], None], kept: Path | None
) -> Generator[bytes]:
    """The stored bytes in order: first those in `kept`, then the rest from the bucket."""
    if kept is None:
        yield from _ranges(store, source, 0, advance)
        return
    descriptor = os.open(kept, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(descriptor, "r+b") as file:
        size = os.fstat(descriptor).st_size
        here = size if size == source.stored_size else size - size % RANGE_BYTES
        here = here if here <= source.stored_size else 0
        file.truncate(here)
        while piece := file.read(PIECE_BYTES):
            yield piece
        with contextlib.closing(_ranges(store, source, here, advance)) as rest:
            for piece in rest:
                file.write(piece)
                file.flush()
                yield piece


def _ranges(
    store: ObjectStore, source: Source, first: int, advance: Callable[[int, int], None]
) -> Generator[bytes]:
    """The stored bytes in order from `first` on, `RANGES` requests ahead."""
    offsets = iter(range(first, source.stored_size, RANGE_BYTES))
    with ThreadPoolExecutor(RANGES, thread_name_prefix="range") as pool:

        def start(offset: int) -> Future[bytes]:
            end = min(offset + RANGE_BYTES, source.stored_size)
            return pool.submit(_range, store, source, offset, end)

        ahead = deque(start(offset) for offset in itertools.islice(offsets, RANGES))
        try:
            while ahead:
                data = ahead.popleft().result()
                if (offset := next(offsets, None)) is not None:
                    ahead.append(start(offset))
                advance(0, len(data))
                yield data
        finally:
            for each in ahead:
                each.cancel()


def _range(store: ObjectStore, source: Source, start: int, end: int) -> bytes:
    try:
        with store.open(source.key, start, end) as reader:
            data = b"".join(iter(lambda: reader.read(end - start), b""))
    except DeliveryError as error:
        if error.kind in {Kind.MISSING, Kind.OUT_OF_RANGE}:
            raise _not_as_promised(source) from error
        raise
    if len(data) != end - start:
        raise _not_as_promised(source)
    return data


def _not_as_promised(source: Source) -> DamagedError:
    return DamagedError(
        f"{source.key} is not in the bucket as its manifest says.",
        hint="akosha-hook ls shows which uploads are complete.",
    )


class _Stream(io.RawIOBase):
    """The pieces as a file to be read, no more of them at a time than one."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._left:
            self._left = memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
