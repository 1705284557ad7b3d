"""`prune.json`: when the worker last pruned, and what came of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akosha_hook.util import files
from akosha_hook.util.clock import Epoch

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

Bytes = Annotated[int, Meta(ge=0, le=10**18)]
logger = logging.getLogger(__name__)


class Pruning(msgspec.Struct, frozen=True, kw_only=True):
    """The worker's last pruning; `at` is epoch seconds."""

    at: Epoch
    success: bool
    uploads_removed: Annotated[int, Meta(ge=0, le=10**18)] = 0
    freed_bytes: Bytes = 0
    error: str | None = None
    hint: str = ""


def last(paths: Paths) -> Pruning | None:
    """What the worker's last pruning came to; None before the first. Changes nothing."""
    return files.peek_json(paths.prune, Pruning)


def remember(paths: Paths, pruning: Pruning) -> None:
    """Never raises: a disk that is full is reported elsewhere."""
    try:
        files.write_json(paths.prune, pruning)
    except OSError:
        logger.warning("prune.json could not be written", exc_info=True)
