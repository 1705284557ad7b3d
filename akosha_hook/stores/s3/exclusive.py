"""Storing an object that must not overwrite another, where the server can promise that."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.stores.s3.verify import md5, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.stores.base import Stored
    from akosha_hook.stores.s3.client import S3Client

# S3: conditional writes. MinIO, R2, Ceph and SeaweedFS have them; others ignore or refuse it.
_ONLY_NEW = {"If-None-Match": "*"}
logger = logging.getLogger(__name__)


def store_new(client: S3Client, key: str, data: bytes, headers: Mapping[str, str]) -> Stored:
    """PUT `data` where nothing is at `key` yet, and look at what is there then.

    A server without conditional writes just stores it. Where the very same bytes are there, an
    earlier answer was lost, and all is well. Raises DeliveryError of kind OCCUPIED where other
    bytes are.
    """
    try:
        client.put(key, data, {**headers, **_ONLY_NEW})
    except DeliveryError as error:
        if error.kind is Kind.UNSUPPORTED:
            client.put(key, data, headers)
        elif error.kind is not Kind.OCCUPIED:
            raise
        else:
            return _already_there(client, key, data, error)
    return verify(client, key, len(data), md5(data), count=0)


def _already_there(client: S3Client, key: str, data: bytes, refusal: DeliveryError) -> Stored:
    try:
        stored = verify(client, key, len(data), md5(data), count=0)
    except DeliveryError as error:
        if error.kind is Kind.DAMAGED:
            raise refusal from error
        raise
    if stored.verified == "size" and client.get_range(key, 0, len(data)) != data:
        raise refusal
    logger.info("%s had been stored, although the answer was lost", key)
    return stored
