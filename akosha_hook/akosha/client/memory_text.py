"""Keeping the text of memories out of what is told about a server's errors, which may quote it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.akosha.client.failures import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

# Characters in common that make a quotation.
RUN = 12

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\[nrt]")
_KIND = re.compile(r"[^'\"`:(\[{=<]*")
# They name a row without saying anything of it.
_NAMES = frozenset({"id", "memory_id", "timestamp", "created_at", "updated_at"})


def without_memories(text: str, sent: object) -> str:
    """`quoted(text)`; only what kind of error it is where it quotes something of `sent`.

    `sent` is what was sent to the server: anything that msgspec encodes as JSON.
    """
    short = quoted(text)
    memories = " ".join(_plain(each) for each in _texts(msgspec.json.decode(_encoded(sent))))
    if not _quotes(short, memories):
        return short
    match = _KIND.match(short)
    kind = match[0].strip() if match else ""
    if _quotes(kind, memories):
        kind = ""
    return f"{kind} (the rest is left out: it quotes a memory)".strip()


def _encoded(sent: object) -> bytes:
    return sent if isinstance(sent, bytes) else msgspec.json.encode(sent)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in _NAMES:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _quotes(text: str, memories: str) -> bool:
    plain = _plain(text)
    return any(plain[at : at + RUN] in memories for at in range(len(plain) - RUN + 1))


def _plain(text: str) -> str:
    """Words only, however they are escaped, spaced or put into quotes."""
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)
    return re.sub(r"\W+", " ", text).casefold()
