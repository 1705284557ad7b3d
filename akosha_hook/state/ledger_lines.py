"""The lines of the ledger: an upload and what its manifest must be, with a checksum each."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akosha_hook.format.parse import upload_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.state.receipt import Receipt, Target

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,255}$")]
_SUM_LENGTH = 8
NO_MANIFEST = "-"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that was stored, or nearly: its manifest may never have arrived.

    `sha256` is of the manifest, `-` where none was sent yet, "" where 0.1 sent it and kept no hash.
    `size` is the manifest's (bytes), 0 where it was not noted. `store` is endpoint and bucket;
    `machine` the machine id under which it was stored.
    """

    upload: Id
    system: Id
    machine: Id
    store: str
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64}|-)?$")] = ""
    size: Annotated[int, Meta(ge=0, le=10**9)] = 0

    def vouches_for(self, sha256: str) -> bool:
        """Whether a manifest with that hash is the one that was stored."""
        return self.sha256 in {"", sha256}


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the file; the first one has only `since`.

    `renamed` is an earlier machine id and the one that this state has since.
    """

    entry: Entry | None = None
    renamed: tuple[Id, Id] | None = None
    since: Annotated[int, Meta(ge=0, le=10**15)] = 0


def store_name(target: Target) -> str:
    """The store of a target as the ledger names it."""
    return f"{target.endpoint} {target.bucket}".strip()


def encoded(line: Line) -> bytes:
    """The line as it stands in the file, its end included."""
    document = msgspec.json.encode(line)
    return _checksum(document) + b" " + document + b"\n"


def decoded(text: bytes) -> Line | None:
    """The line without its end; None where it is not as it was written."""
    checksum, _, document = text.partition(b" ")
    if checksum != _checksum(document):
        return None
    try:
        return msgspec.json.decode(document, type=Line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _checksum(document: bytes) -> bytes:
    return hashlib.sha256(document).hexdigest()[:_SUM_LENGTH].encode()


def of_receipts(receipts: Iterable[Receipt]) -> Iterable[Entry]:
    """Every upload that the receipts are of, or refer to."""
    receipts = tuple(receipts)
    hashes = {each.upload_id: each.manifest_sha256 for each in receipts}
    for each in receipts:
        if each.method != "cloud" or not each.machine_id:
            continue
        keys = [file.key for file in each.files]
        keys += [file.delta.base_key for file in each.files if file.delta]
        referred = {names[1] for key in keys if (names := upload_of(key))}
        for upload in sorted({each.upload_id} | referred):
            itself = upload == each.upload_id
            yield Entry(
                upload=upload,
                system=each.system_id,
                machine=each.machine_id,
                store=store_name(each.destination),
                sha256=each.manifest_sha256 if itself else hashes.get(upload, ""),
            )
