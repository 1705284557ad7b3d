"""`looks.json`: when the last upload of each store was last looked at, and what was lost of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akosha_hook.util import files, log
from akosha_hook.util.clock import Epoch

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import Target

MAX_LOST = 1000
logger = logging.getLogger(__name__)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at what an upload needs; `at` is epoch seconds.

    `objects` is how many were looked at, `lost` are the keys of those that are gone or are no longer
    what was stored, `databases` those that need one of them. `verified` is False where the keys may not look, so that nothing is known.
    `pending` says that what is lost is still to be sent again. With an `error`, there was no look.
    """

    at: Epoch
    upload_id: str
    objects: Annotated[int, Meta(ge=0, le=10**6)] = 0
    lost: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    verified: bool = True
    pending: bool = False
    error: str | None = None
    hint: str = ""


def last(paths: Paths, target: Target) -> Look | None:
    """The last look at that store, or the last try; None before the first. Changes nothing."""
    return _all(paths).get(_name(target))


def remember(paths: Paths, target: Target, look: Look) -> None:
    """Never raises: a look that is forgotten is only made again."""
    cleaned = msgspec.structs.replace(
        look,
        lost=look.lost[:MAX_LOST],
        error=None if look.error is None else log.redacted(look.error),
        hint=log.redacted(look.hint),
    )
    try:
        files.private_directory(paths.state)
        files.write_json(paths.looks, _all(paths) | {_name(target): cleaned})
    except OSError:
        logger.warning("looks.json could not be written", exc_info=True)


def _all(paths: Paths) -> dict[str, Look]:
    return files.peek_json(paths.looks, dict[str, Look]) or {}


def _name(target: Target) -> str:
    return f"{target.method} {target.endpoint} {target.bucket} {target.system_id}".strip()
