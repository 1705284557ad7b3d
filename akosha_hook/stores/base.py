"""The contract of a backup destination: what every store can do, and what it promises.

Upload, catalog, restore, verify and prune know a store only by this. A store may lack user metadata,
digests (ETags) and uploads in parts: what it cannot tell it leaves empty. Every method raises
DeliveryError where the store cannot be used, after its own retries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, Self

from akosha_hook.errors import DeliveryError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from akosha_hook.state.journal import Journal
    from akosha_hook.state.receipt import PartialUpload

PIECE_BYTES = 1024 * 1024
# What messages begin with: not everything that asks a store is a sync.
SYNC_FAILED = "Cloud sync failed"
READ_FAILED = "The bucket could not be used"
Verified = Literal["etag", "size", "not verified"]


@dataclass(frozen=True, slots=True)
class Content:
    """What an object is to hold.

    `chunks()` yields the bytes to store, the same ones every time it is called; `size` is about how
    many (a hint). `sha256` is of the plain bytes and `codec` names what made the stored ones of
    them: together they tell whether an upload that was begun can be continued. `encoding` is gzip
    where a reader has to unpack the object.
    """

    chunks: Callable[[], Iterator[bytes]]
    size: int
    sha256: str = ""
    codec: str = "identity"
    encoding: Literal["", "gzip"] = ""
    media_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is in the store: its size in bytes, how that was checked, and its digest.

    `etag` is what the store calls the object's digest, "" where it gives none or was not asked.
    """

    key: str
    size: int
    verified: Verified
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    """What a store says of one object: size in bytes, digest (may be empty), user metadata."""

    size: int
    etag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a listing; `modified` is epoch seconds, 0 where the store does not say.

    With a delimiter, keys that share what comes before it are one entry, which ends with it.
    """

    key: str
    size: int = 0
    modified: float = 0.0
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload in parts that is neither completed nor aborted; `started` is epoch seconds."""

    key: str
    multipart_id: str
    started: float


@dataclass(frozen=True, slots=True)
class Description:
    """What a store is, in words: `bucket` `memories`, at `https://...`."""

    kind: str
    name: str
    location: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Reader(Protocol):
    """Stored bytes of an object, never decoded."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, `size` at most; empty at the end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class ObjectStore(Protocol):
    """Where uploads are kept. Keys are slash-separated; nothing that is stored ever changes."""

    def describe(self) -> Description:
        """What a user may be told of it; asks it nothing."""

    def put(
        self, key: str, content: Content, journal: Journal | None = None, *, only_new: bool = False
    ) -> Stored:
        """Store an object and check it.

        It is there whole or not at all. What was stored until a failure is in `journal`, where one
        is given, and a later call with the same content continues from there. With `only_new`, for
        a small object, a store that can refuses to overwrite; where other bytes are at `key` then,
        DeliveryError of kind OCCUPIED is raised.
        """

    def open(self, key: str, start: int = 0, end: int | None = None) -> Reader:
        """Bytes `start` to `end` (exclusive; None: to the last), fewer where it has no more.

        Raises DeliveryError of kind MISSING, here or at the first read.
        """

    def stat(self, key: str) -> Info | None:
        """What there is at `key`; None where nothing is."""

    def list(self, prefix: str, *, start_after: str = "", delimiter: str = "") -> Iterator[Listed]:
        """What is below `prefix`, in the order of keys, beginning behind `start_after`."""

    def copy(self, key: str, to: str) -> None:
        """Copy an object within the store, without sending its bytes."""

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; one that is not there is fine."""

    def unfinished(self, prefix: str) -> tuple[Unfinished, ...]:
        """Uploads below `prefix` that were begun and not ended."""

    def abort(self, upload: PartialUpload | Unfinished) -> str:
        """Remove what an upload that nobody continues left; a note where that is denied, else ""."""


def read_at_most(store: ObjectStore, key: str, limit: int) -> bytes | None:
    """The first `limit` stored bytes of an object; None where it is not there."""
    try:
        with store.open(key, 0, limit) as reader:
            return b"".join(iter(lambda: reader.read(PIECE_BYTES), b""))
    except DeliveryError as error:
        if error.kind is Kind.MISSING:
            return None
        raise
