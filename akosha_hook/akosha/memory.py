"""A row in the form that Akosha stores.

`memory_id` is one primary key for all systems, and Akosha never updates a row: to an id that it
has it answers "duplicate key". Session-Buddy's own ids cannot be used for it. Most are a hash of
the text, so two machines that recorded the same words would share one, and the second would hear
"already stored" about a memory that names the first machine as its source; older ids may be plain
counters. So the id is a hash of the system, the kind, Session-Buddy's id and the text. A duplicate
then means that this memory of this system is stored with this text, and a row whose text was
edited is a new memory. Session-Buddy's id is sent as `original_id`.

`session-buddy migrate` gives every row another id. What stays is its content: kind, text and time of
creation. So it is kept, for each content, under which `memory_id` the server has it
(`akosha_hook/akosha/acknowledged.py`).
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
# What Session-Buddy's own embeddings have, in every version.
OWN_DIMENSION = 384
# The limit of the server's embedding tool; the model behind it uses far less of a text.
MAX_EMBEDDED_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory to be sent; `id` is its `memory_id` in bytes, `content` identifies what it says.

    `document` has every field but the embedding; `embedding` is None where the server has to
    make one, else the text of a JSON array of OWN_DIMENSION numbers.
    """

    id: bytes
    document: dict[str, object]
    embedding: str | None
    content: bytes | None = None

    @property
    def text(self) -> str:
        return str(self.document["text"])

    def encode(self, embedding: str) -> bytes:
        """The JSON to send; `embedding` is the text of a JSON array."""
        return msgspec.json.encode({**self.document, "embedding": msgspec.Raw(embedding.encode())})


def identify(system_id: str, table: Table, key: Key) -> bytes:
    """The `memory_id` of a row that the server does not have yet."""
    return _hash(system_id, table.kind, key.id or "", key.digest)


def content_of(system_id: str, table: Table, key: Key) -> bytes | None:
    """What stays of a row when its id and its table change.

    None where it has no time of creation: two rows may say the same words at different times.
    """
    if key.created is None:
        return None
    return _hash("content", system_id, table.kind, key.digest, str(key.created))


def _hash(*parts: str) -> bytes:
    digest = hashlib.blake2b(digest_size=ID_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def memory_of(
    row: Row,
    *,
    id_: bytes,
    original_id: str,
    kind: str,
    system_id: str,
    content: bytes | None = None,
) -> Memory:
    metadata = {
        **row.columns,
        "source": system_id,
        "original_id": original_id,
        "type": kind,
        "created_at": _datetime_of(row.created_us).isoformat(),
    }
    document: dict[str, object] = {"memory_id": id_.hex(), "text": row.text, "metadata": metadata}
    return Memory(id_, document, row.embedding, content)


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
