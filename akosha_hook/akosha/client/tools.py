"""The two tools of Akosha that matter here, and what they answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.akosha.client import failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.akosha.client.batches import Batch
    from akosha_hook.akosha.client.session import Session

STORE = "batch_store_memories"
EMBED = "generate_batch_embeddings"
EMBEDDING = 384
_DUPLICATE = re.compile(r"(?i)duplicate key|violates (primary key|unique) constraint")
# A model that is not there is replaced by made-up numbers, and the answer says so.
_MADE_UP = "fallback"


class RowError(msgspec.Struct):
    """What the server says of one row."""

    memory_id: str | None = None
    error: str | None = None


class StoreAnswer(msgspec.Struct):
    """The counts tell what happened: the HTTP status is 200 even where every row failed."""

    status: str = ""
    stored: int = 0
    failed: int = 0
    errors: list[RowError] = msgspec.field(default_factory=list)
    error: str | None = None


class EmbedAnswer(msgspec.Struct):
    embeddings: list[msgspec.Raw] = msgspec.field(default_factory=list)
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch. `sure` are the ids that the server certainly has now.

    `failures` are reasons, one for every row that failed.
    """

    stored: int
    already_stored: int
    failures: tuple[str, ...]
    sure: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Tools:
    """Names of the tools on this server; `embed` is None where it has none."""

    store: str
    embed: str | None


def find(session: Session, url: str) -> Tools:
    """The tools as this server calls them: newer ones put `akosha_` in front.

    Raises DeliveryError where there is none that stores.
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
    """Store a batch. Raises DeliveryError where the server says nothing about its rows."""
    memories = [msgspec.Raw(document) for document in batch.documents.values()]
    answer = session.call(tools.store, {"memories": memories}, StoreAnswer)
    return _outcome(answer, batch)


def _outcome(answer: StoreAnswer, batch: Batch) -> Outcome:
    sent = {id_.hex(): id_ for id_ in batch.documents}
    unnamed = answer.failed - len(answer.errors)
    named = [each.memory_id for each in answer.errors if each.memory_id in sent]
    whole = answer.stored >= 0 and answer.stored + answer.failed == len(sent)
    if not whole or unnamed < 0 or len(set(named)) < len(named):
        said = f"{answer.stored} stored, {answer.failed} failed of {len(sent)} rows"
        reason = f"the server's answer does not add up: {said}"
        return Outcome(0, 0, (reason,) * len(sent), frozenset())
    there: set[bytes] = set()
    not_there: set[bytes] = set()
    reasons = [answer.error or "the server gave no reason"] * unnamed
    for each in answer.errors:
        reason = each.error or "the server gave no reason"
        id_ = sent.get(each.memory_id or "")
        if id_ is not None and _DUPLICATE.search(reason):
            there.add(id_)
            continue
        reasons.append(reason.replace(each.memory_id, "ID") if each.memory_id else reason)
        if id_ is None:
            unnamed += 1
        else:
            not_there.add(id_)
    # Only where every failure names its row is each other row certainly stored.
    sure = there if unnamed else set(sent.values()) - not_there
    return Outcome(answer.stored, len(there), tuple(reasons), frozenset(sure))


def embed(session: Session, tools: Tools, texts: Sequence[str]) -> list[str]:
    """An embedding for every text, each the text of a JSON array. Raises DeliveryError."""
    if tools.embed is None:
        raise failures.ToolError(EMBED, "the server does not have it")
    arguments = {"texts": list(texts), "batch_size": len(texts)}
    answer = session.call(tools.embed, arguments, EmbedAnswer)
    if answer.mode == _MADE_UP:
        raise failures.ToolError(tools.embed, "the server has no embedding model")
    found = [bytes(raw).decode() for raw in answer.embeddings if _is_embedding(raw)]
    if len(found) != len(texts):
        raise failures.ToolError(tools.embed, f"it gave {len(found)} of {len(texts)} embeddings")
    return found


def _is_embedding(raw: msgspec.Raw) -> bool:
    try:
        return len(msgspec.json.decode(raw, type=list[float])) == EMBEDDING
    except msgspec.DecodeError:
        return False
