"""A checksum inside a JSON document of ours, so that a flipped bit does not pass for a value.

The last key, `"checksum"`, is the SHA-256 (hex) of the document's bytes with zeros in the checksum's
own place. It covers keys of newer versions too, and a document without one is as good as ever: 0.1.0
wrote none.
"""

from __future__ import annotations

import hashlib

_KEY = b'"checksum"'
_ZEROS = b"0" * 64
# The key, its value and the end of the document, with whatever space is between them.
_TAIL_BYTES = 200


def with_checksum(document: bytes) -> bytes:
    """`document`, a JSON object as text, with a checksum as its last key and a line end."""
    body = document.rstrip()[:-1].rstrip()
    indented = b"\n" in body
    comma = b"" if body == b"{" else b","
    space, end = (b"\n  ", b"\n}\n") if indented else (b"", b"}\n")
    head = body + comma + space + _KEY + (b': "' if indented else b':"')
    tail = b'"' + end
    return head + _digest(head, tail) + tail


def fits(document: bytes) -> bool:
    """Whether `document` is as it was written, or has no checksum."""
    at = document.rfind(_KEY, max(0, len(document) - _TAIL_BYTES))
    if at < 0:
        return True
    before, _, rest = document[at + len(_KEY) :].partition(b'"')
    value, quote, end = rest.partition(b'"')
    if before.strip() != b":" or end.strip() != b"}":
        # Another key of that name, further inside; what is no JSON is found when it is decoded.
        return True
    head = document[: len(document) - len(rest)]
    return value == _digest(head, quote + end)


def _digest(head: bytes, tail: bytes) -> bytes:
    digest = hashlib.sha256(head)
    digest.update(_ZEROS)
    digest.update(tail)
    return digest.hexdigest().encode()
