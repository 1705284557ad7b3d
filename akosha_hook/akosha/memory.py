"""A row in the form that Akosha stores.

`memory_id` is one primary key for all systems, and Akosha never updates a row: to an id that it
has it answers "duplicate key". Session-Buddy's own ids cannot be used for it. Most are a hash of
the text, so two machines that recorded the same words would share one, and the second would hear
"already stored" about a memory that names the first machine as its source; older ids may be plain
counters. So the id is a hash of the system, the kind, Session-Buddy's id and the text. A duplicate
then means that this memory of this system is stored with this text, and a row whose text was
edited is a new memory. Session-Buddy's id is sent as `original_id`.
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
# The limit of the server's embedding tool; the model behind it uses far less of a text.
MAX_EMBEDDED_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory to be sent; `id` is its `memory_id` in bytes.

    `document` has every field but the embedding; `embedding` is None where the server has to
    make one.
    """

    id: bytes
    document: dict[str, object]
    embedding: str | None

    @property
    def text(self) -> str:
        return str(self.document["text"])

    def encode(self, embedding: str) -> bytes:
        """The JSON to send; `embedding` is the text of a JSON array."""
        return msgspec.json.encode({**self.document, "embedding": msgspec.Raw(embedding.encode())})


def identify(system_id: str, table: Table, key: Key) -> bytes:
    """The `memory_id` of a row."""
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
        "created_at": _datetime_of(row.created_us).isoformat(),
    }
    document: dict[str, object] = {"memory_id": id_.hex(), "text": row.text, "metadata": metadata}
    return Memory(id_, document, row.embedding)


def embeddable(text: str) -> str:
    """`text` as the server's embedding tool accepts it."""
    return text[:MAX_EMBEDDED_CHARACTERS].replace("\0", " ")


def _datetime_of(microseconds: int | None) -> datetime:
    """Now, where the row has no time of creation or one that `datetime` cannot represent."""
    now = datetime.now(UTC)
    if microseconds is None:
        return now
    try:
        epoch = datetime.fromtimestamp(0, UTC)
        return epoch + timedelta(microseconds=microseconds)
    except OverflowError:
        return now
