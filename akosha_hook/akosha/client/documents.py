"""Decoding a server's JSON, in bounded memory."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

T = TypeVar("T")

# A page of embeddings has 66,000, since the answer carries it twice. Each object takes up to 200 bytes when it is decoded.
MAX_ITEMS = 150_000
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_SESSION_ID = re.compile(r"[\x21-\x7e]{1,4096}")


class BadDocumentError(Exception):
    """Not JSON, not of the expected form, or too deep or too large to decode."""


def decode(document: bytes | msgspec.Raw, kind: type[T]) -> T:
    """`document` as `kind`; raises BadDocumentError, whose text says what is wrong with it."""
    if bytes(document).count(b",") > MAX_ITEMS:
        raise BadDocumentError(f"more than {MAX_ITEMS:,} items")
    try:
        return msgspec.json.decode(document, type=kind)
    except RecursionError:
        raise BadDocumentError("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadDocumentError(str(error)) from error


def is_protocol_version(version: str) -> bool:
    """Whether it can be a version of MCP: what is sent back in a header. Today's are dates."""
    return _VERSION.fullmatch(version) is not None


def is_session_id(session: str) -> bool:
    """Whether it has only visible ASCII characters, as the specification demands."""
    return _SESSION_ID.fullmatch(session) is not None
