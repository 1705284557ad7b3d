"""Whether an object that was sent is there as it was sent, as far as the server tells."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.stores.base import Stored
from akosha_hook.stores.s3.etag import is_md5, is_multipart_etag

if TYPE_CHECKING:
    from akosha_hook.stores.s3.client import S3Client


def verify_put(client: S3Client, key: str, data: bytes, etag: str) -> Stored:
    """Check a single PUT by the ETag of its answer; where that proves nothing, by HEAD."""
    expected = md5(data)
    if etag == expected and not client.encrypted:
        return Stored(key, len(data), "etag", etag)
    return verify(client, key, len(data), expected, count=0)


def verify(client: S3Client, key: str, size: int, expected: str, *, count: int) -> Stored:
    """Check the stored object by HEAD: size always, ETag where it has MD5 form."""
    try:
        head = client.head(key)
    except DeliveryError as error:
        if error.kind is Kind.DENIED:
            return Stored(key, size, "not verified")
        raise
    if head is None or head.size != size:
        actual = "is not there" if head is None else f"has {head.size:,} bytes, not {size:,}"
        raise client.damaged(f"{key} {actual} after the upload")
    if count:
        comparable = client.multipart_etag_is_md5 and is_multipart_etag(head.etag, count)
    else:
        comparable = is_md5(head.etag)
    if client.encrypted or not comparable:
        return Stored(key, size, "size", head.etag)
    if head.etag != expected:
        raise client.damaged(f"{key} is not what was sent (ETag differs)")
    return Stored(key, size, "etag", head.etag)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
