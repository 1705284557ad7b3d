"""The two tools of Akosha that a push uses, and their answers."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from akosha_hook.akosha.client import documents, failures
from akosha_hook.akosha.client.memory_text import without_memories

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from akosha_hook.akosha.client.batches import Batch
    from akosha_hook.akosha.client.session import Session

STORE = "batch_store_memories"
EMBED = "generate_batch_embeddings"
# No model that is in use makes longer vectors.
MAX_DIMENSION = 8192
# The server's words: it forwards the text of DuckDB's error.
_DUPLICATE = re.compile(r"(?i)duplicate key|violates (primary key|unique) constraint")
# Those of 0.24 and, DuckDB's, of 0.11. A vector's size is all that is taken from them.
_MISFITS = (
    re.compile(r"embedding dim mismatch \(expected (?P<wanted>[0-9]{1,5}), got [0-9]{1,5}\)"),
    re.compile(
        r"Cannot cast list with length [0-9]{1,5} to array with length (?P<wanted>[0-9]{1,5})"
    ),
)
# The mode of an answer with made-up numbers, from a server that has no model.
_FALLBACK_MODE = "fallback"


class RowError(msgspec.Struct):
    """Why one row was not stored."""

    memory_id: str | None = None
    error: str | None = None


class StoreAnswer(msgspec.Struct):
    """The counts decide: the HTTP status is 200 even where every row failed."""

    status: str = ""
    stored: int = 0
    failed: int = 0
    errors: list[RowError] = msgspec.field(default_factory=list)
    error: str | None = None


class EmbedAnswer(msgspec.Struct):
    embeddings: list[msgspec.Raw] = msgspec.field(default_factory=list)
    embedding_dim: int = 0
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch. `acknowledged` are the ids that the server certainly has now.

    `failures` has one reason for every row that failed. `misfits` are rows that the server would
    take with an embedding of another size, which it names.
    """

    stored: int
    already_stored: int
    failures: tuple[str, ...]
    acknowledged: frozenset[bytes]
    misfits: Mapping[bytes, int] = field(default_factory=dict)


class Embeddings(NamedTuple):
    """The text of a JSON array for each text, all with `dimension` numbers."""

    embeddings: list[str]
    dimension: int


@dataclass(frozen=True, slots=True)
class Tools:
    """The names of the tools on this server; `embed` is None where it has no such tool."""

    store: str
    embed: str | None


def find(session: Session, url: str) -> Tools:
    """The names of the tools on this server; newer servers put `akosha_` in front.

    Raises DeliveryError of kind UNSUPPORTED where no tool stores memories.
    """
    names = session.tools()
    if names is None:
        return Tools(STORE, EMBED)
    store = _named(STORE, names)
    if store is None:
        raise failures.missing_tools(url)
    return Tools(store, _named(EMBED, names))


def _named(tool: str, names: frozenset[str]) -> str | None:
    return next((name for name in (tool, f"akosha_{tool}") if name in names), None)


def store(session: Session, tools: Tools, batch: Batch) -> Outcome:
    """Store a batch. Raises DeliveryError where there is no answer about its rows."""
    memories = [msgspec.Raw(document) for document in batch.documents.values()]
    answer = session.call(tools.store, {"memories": memories}, StoreAnswer)
    return _outcome(answer, batch)


def _outcome(answer: StoreAnswer, batch: Batch) -> Outcome:
    sent = {id_.hex(): id_ for id_ in batch.documents}
    unnamed = answer.failed - len(answer.errors)
    named = [each.memory_id for each in answer.errors if each.memory_id in sent]
    complete = answer.stored >= 0 and answer.stored + answer.failed == len(sent)
    if not complete or unnamed < 0 or len(set(named)) < len(named):
        counts = f"{answer.stored} stored, {answer.failed} failed of {len(sent)} rows"
        reason = f"the server's answer does not add up: {counts}"
        return Outcome(0, 0, (reason,) * len(sent), frozenset())
    duplicates: set[bytes] = set()
    refused: set[bytes] = set()
    misfits: dict[bytes, int] = {}
    reasons = [answer.error or "the server gave no reason"] * unnamed
    for each in answer.errors:
        reason = each.error or "the server gave no reason"
        id_ = sent.get(each.memory_id or "")
        if id_ is not None and _DUPLICATE.search(reason):
            duplicates.add(id_)
            continue
        if id_ is not None and (wanted := _wanted_size(reason)) is not None:
            misfits[id_] = wanted
            continue
        reason = reason.replace(each.memory_id, "ID") if each.memory_id else reason
        reasons.append(reason if id_ is None else without_memories(reason, batch.documents[id_]))
        if id_ is None:
            unnamed += 1
        else:
            refused.add(id_)
    # Where a failure names no row, any row that is not a duplicate may be the one that failed.
    if unnamed:
        every = b"[" + b",".join(batch.documents.values()) + b"]"
        clean = functools.cache(lambda reason: without_memories(reason, every))
        reasons = [clean(each) for each in reasons]
    acknowledged = duplicates if unnamed else set(sent.values()) - refused - set(misfits)
    return Outcome(answer.stored, len(duplicates), tuple(reasons), frozenset(acknowledged), misfits)


def _wanted_size(reason: str) -> int | None:
    """The size of vector that the store takes, where that is what was wrong."""
    found = next(filter(None, (each.search(reason) for each in _MISFITS)), None)
    wanted = int(found["wanted"]) if found else 0
    return wanted if 1 <= wanted <= MAX_DIMENSION else None


def embed(session: Session, tools: Tools, texts: Sequence[str]) -> Embeddings:
    """An embedding for every text.

    Raises NoModelError where the server makes none, ToolError where it makes none of these, another
    DeliveryError where the request fails.
    """
    if tools.embed is None:
        raise failures.NoModelError(EMBED, "the server does not have it")
    arguments = {"texts": list(texts), "batch_size": len(texts)}
    answer = session.call(tools.embed, arguments, EmbedAnswer)
    if answer.mode == _FALLBACK_MODE:
        raise failures.NoModelError(tools.embed, "the server has no embedding model")
    if len(answer.embeddings) != len(texts):
        reason = f"it returned {len(answer.embeddings)} of {len(texts)} embeddings"
        raise failures.ToolError(tools.embed, reason)
    sizes = {_size(each) for each in answer.embeddings}
    dimension = max(sizes, default=0)
    if len(sizes) != 1 or not 1 <= dimension <= MAX_DIMENSION:
        raise failures.ToolError(tools.embed, "it returned something other than embeddings")
    if answer.embedding_dim not in {0, dimension}:
        reason = f"it returned {dimension} numbers where it promised {answer.embedding_dim}"
        raise failures.ToolError(tools.embed, reason)
    return Embeddings([bytes(each).decode() for each in answer.embeddings], dimension)


def _size(raw: msgspec.Raw) -> int:
    """How many finite numbers an embedding has; 0 for anything else."""
    try:
        numbers = documents.decode(raw, list[float])
    except documents.BadDocumentError:
        return 0
    return len(numbers) if all(map(math.isfinite, numbers)) else 0
