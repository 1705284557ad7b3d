"""The last upload before conversations went missing: it stays until the user says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.catalog import Upload

# As many times more conversations than in a later upload are a loss, and no tidying up.
TIMES = 2


class Fallen(NamedTuple):
    """The upload to keep, and why."""

    upload: Upload
    reason: str


def before_collapse(uploads: Iterable[Upload]) -> Fallen | None:
    """The newest upload with at least twice as many conversations as a later one, if there is any.

    `uploads` are one machine's, newest first. Only complete ones count, and only where all
    conversations were counted.
    """
    fewest: int | None = None
    for each in uploads:
        if each.manifest is None or not each.complete:
            continue
        if not each.manifest.metadata.conversations_counted:
            continue
        count = each.manifest.conversation_count
        if fewest is not None and count >= TIMES * fewest and count > fewest:
            return Fallen(each, f"has {count:,} conversations, a later one {fewest:,}")
        fewest = count if fewest is None else min(fewest, count)
    return None
