"""`tampering.json`: what somebody has changed or planted in a bucket under this machine's name.

It is written whenever the uploads are listed, so that it goes when they are in order again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akosha_hook.util import files
from akosha_hook.util.clock import Epoch

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

MAX_FINDINGS = 20
logger = logging.getLogger(__name__)


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """An upload and what is wrong with it; `upload_id` is "" for what is no single upload's."""

    upload_id: Annotated[str, Meta(max_length=255)]
    reason: Annotated[str, Meta(max_length=500)]


class Tampering(msgspec.Struct, frozen=True, kw_only=True):
    """What was found when the uploads were last listed, `at` in epoch seconds.

    `more` is how many findings were not written down.
    """

    at: Epoch
    findings: tuple[Finding, ...] = ()
    more: Annotated[int, Meta(ge=0, le=10**9)] = 0


def place(endpoint: str, bucket: str, system_id: str) -> str:
    """A system in a bucket, as this file names it."""
    return f"{endpoint} {bucket} {system_id}".strip()


def last(paths: Paths, where: str) -> Tampering | None:
    """What was found last at that place; None where nothing was. Changes nothing."""
    return _all(paths).get(where)


def remember(paths: Paths, where: str, seen: Tampering) -> None:
    """Remember what was found, or that nothing was any more. Never raises."""
    known = _all(paths)
    if not seen.findings and where not in known:
        return
    shortened = msgspec.structs.replace(
        seen,
        findings=seen.findings[:MAX_FINDINGS],
        more=max(0, len(seen.findings) - MAX_FINDINGS),
    )
    if seen.findings:
        known[where] = shortened
    else:
        del known[where]
    try:
        files.private_directory(paths.state)
        files.write_json(paths.tampering, known)
    except OSError:
        logger.warning("tampering.json could not be written", exc_info=True)


def sentence(seen: Tampering) -> str:
    """What `status` says of it."""
    first = seen.findings[0]
    others = len(seen.findings) + seen.more - 1
    more = f", and {others} more" if others else ""
    what = f"{first.upload_id}: {first.reason}" if first.upload_id else first.reason
    return (
        f"somebody has changed or planted uploads in the bucket under this machine's name ({what}"
        f"{more}). akosha-hook ls shows them; those of this machine are restored and pruned as ever"
    )


def _all(paths: Paths) -> dict[str, Tampering]:
    return files.peek_json(paths.tampering, dict[str, Tampering]) or {}
