"""A row as Akosha takes it.

`memory_id` is one primary key for all systems, and a row that is there is never updated: Akosha
answers "duplicate key" to it. Session-Buddy's own ids will not do. Most are a hash of the text, so
that two machines that heard the same words would share one, and the second would be told "already
stored" of a memory that names the first as its source; older ones may be simple counters. So the
id is a hash of the system, the kind, Session-Buddy's id and the text. Then a duplicate answer can
only mean that this memory of this system is there, with this text; and a row whose text was
edited is a new memory. Session-Buddy's id travels along as `original_id`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from akosha_hook.duckdb_reader import Key, Row, Table

ID_BYTES = 16
# What the server's embedding tool takes; the model behind it reads far less of a text.
MAX_EMBEDDED_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory on its way; `id` is `memory_id` in bytes.

    `document` is everything but the embedding, which may still have to be asked for.
    """

    id: bytes
    document: dict[str, object]
    embedding: str | None

    @property
    def text(self) -> str:
        return str(self.document["text"])

    def encode(self, embedding: str) -> bytes:
        return msgspec.json.encode({**self.document, "embedding": msgspec.Raw(embedding.encode())})


def identify(system_id: str, table: Table, key: Key) -> bytes:
    """The id of the memory that a row is."""
    digest = hashlib.blake2b(digest_size=ID_BYTES)
    for part in (system_id, table.kind, key.id or "", key.digest):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def memory_of(row: Row, *, id_: bytes, original_id: str, kind: str, system_id: str) -> Memory:
    metadata = {
        **row.columns,
        "source": system_id,
        "original_id": original_id,
        "type": kind,
        "created_at": _moment(row.created_us).isoformat(),
    }
    document: dict[str, object] = {"memory_id": id_.hex(), "text": row.text, "metadata": metadata}
    return Memory(id_, document, row.embedding)


def embeddable(text: str) -> str:
    """`text` as the server's embedding tool takes it."""
    return text[:MAX_EMBEDDED_CHARACTERS].replace("\0", " ")


def _moment(microseconds: int | None) -> datetime:
    """Now, where the row does not say when, or says something no calendar has."""
    now = datetime.now(UTC)
    if microseconds is None:
        return now
    try:
        epoch = datetime.fromtimestamp(0, UTC)
        return epoch + timedelta(microseconds=microseconds)
    except OverflowError:
        return now
