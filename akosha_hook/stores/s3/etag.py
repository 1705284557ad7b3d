"""ETags of S3, where they have the form of an MD5."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.state.receipt import Part

_MD5 = re.compile(r"^[0-9a-f]{32}$")
_MULTIPART_ETAG = re.compile(r"^[0-9a-f]{32}-(\d+)$")


def multipart_etag(parts: Sequence[Part]) -> str:
    """The ETag S3 gives an object of these parts: MD5 of the parts' MD5s, and their number."""
    joined = b"".join(bytes.fromhex(part.md5) for part in parts)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"


def is_multipart_etag(etag: str, count: int) -> bool:
    match = _MULTIPART_ETAG.match(etag)
    return bool(match and int(match.group(1)) == count)


def is_md5(etag: str) -> bool:
    return bool(_MD5.match(etag))
