"""Aborting uploads in parts that nobody will complete."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from akosha_hook.errors import DeliveryError, Kind

if TYPE_CHECKING:
    from akosha_hook.state.receipt import PartialUpload
    from akosha_hook.stores.s3.client import S3Client

logger = logging.getLogger(__name__)


def abort(client: S3Client, partial: PartialUpload) -> str:
    """Abort an upload of ours; a note where that is denied, "" where it is gone.

    Raises DeliveryError where a later try may do it.
    """
    if partial.ambiguous or not partial.multipart_id:
        return abort_all(client, partial.key)
    return abort_one(client, partial.key, partial.multipart_id)


def abort_all(client: S3Client, key: str) -> str:
    """Abort what is unfinished at `key`, which only our own upload ever uses."""
    try:
        uploads = client.unfinished(key)
    except DeliveryError as error:
        if error.retryable:
            raise
        if error.kind is Kind.STALE:
            return ""  # rclone's answer for a bucket that never had one
        logger.warning("Could not look for unfinished uploads of %s: %s", key, error.message)
        return f"unfinished uploads of {key} could not be looked for ({error.code})"
    notes = [abort_one(client, key, each.multipart_id) for each in uploads if each.key == key]
    return next((note for note in notes if note), "")


def abort_one(client: S3Client, key: str, multipart_id: str) -> str:
    """Abort one multipart upload; answers and raises as `abort` does."""
    try:
        client.abort_multipart(key, multipart_id)
    except DeliveryError as error:
        if error.retryable:
            raise
        if error.kind is Kind.STALE:
            return ""
        logger.warning("Could not abort the unfinished upload of %s: %s", key, error.message)
        return f"the unfinished upload of {key} could not be aborted ({error.code})"
    return ""
