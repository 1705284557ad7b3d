"""Batches of memories, bounded by rows and by bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

# The server takes 1000 rows, and the MCP SDK's server 4 MiB a request.
MAX_ROWS = 500
MAX_BYTES = 2 * 1_048_576


@dataclass(slots=True)
class Batch:
    """Encoded memories by id; `size` is their total size in bytes."""

    documents: dict[bytes, bytes] = field(default_factory=dict)
    size: int = 0

    def __len__(self) -> int:
        return len(self.documents)

    def has_room_for(self, document: bytes) -> bool:
        """True for any document while the batch is empty: only the server knows its own limit."""
        if not self.documents:
            return True
        return len(self.documents) < MAX_ROWS and self.size + len(document) < MAX_BYTES

    def add(self, id_: bytes, document: bytes) -> None:
        self.size += len(document) - len(self.documents.get(id_, b""))
        self.documents[id_] = document

    def halves(self) -> tuple[Batch, Batch]:
        items = list(self.documents.items())
        middle = len(items) // 2
        return _of(dict(items[:middle])), _of(dict(items[middle:]))


def _of(documents: dict[bytes, bytes]) -> Batch:
    return Batch(documents, sum(map(len, documents.values())))
