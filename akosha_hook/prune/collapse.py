"""The last upload before conversations went missing: it stays until the user says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from akosha_hook.state import collapsed
from akosha_hook.state.receipt import Target
from akosha_hook.state.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from akosha_hook.catalog import Upload
    from akosha_hook.context import Context

# As many times more conversations than in a later upload are a loss, and no tidying up.
TIMES = 2


class Unseen(NamedTuple):
    """What the user has not looked at: why an upload stays, by its id; and from which number of an
    upload on a loss counts.
    """

    reasons: Mapping[str, str]
    accepted: int


class Fallen(NamedTuple):
    """The upload to keep, and why."""

    upload: Upload
    reason: str


def before_collapse(uploads: Iterable[Upload], *, accepted: int = 0) -> Fallen | None:
    """The newest upload with at least twice as many conversations as a later one, if there is any.

    `uploads` are one machine's, newest first. Only complete ones count, and only where all
    conversations were counted; those with a number below `accepted` do not, since the user has said
    that what went missing after them was meant.
    """
    fewest: int | None = None
    for each in uploads:
        if each.manifest is None or not each.complete:
            continue
        if each.manifest.metadata.sequence < accepted:
            break
        if not each.manifest.metadata.conversations_counted:
            continue
        count = each.manifest.conversation_count
        if fewest is not None and count >= TIMES * fewest and count > fewest:
            return Fallen(each, f"has {count:,} conversations, a later one {fewest:,}")
        fewest = count if fewest is None else min(fewest, count)
    return None


def unseen(context: Context, system_id: str) -> Unseen:
    """What this state knows of the system's losses in the bucket that the settings name."""
    target = _target(context, system_id)
    reasons = {
        each.upload_id: f"has {each.before:,} {each.what} of {each.name}, a later one {each.now:,}"
        for each in collapsed.at(context.paths, target).values()
    }
    return Unseen(reasons, collapsed.accepted(context.paths, target))


def accept(context: Context, system_id: str) -> None:
    """The user has looked at every loss so far; the caller holds the sync lock."""
    target = _target(context, system_id)
    newest = Receipts(context.paths).last_success(target)
    if newest is not None:
        names = collapsed.at(context.paths, target)
        collapsed.accept(context.paths, target, names, newest.sequence)


def _target(context: Context, system_id: str) -> Target:
    return Target(
        method="cloud",
        endpoint=context.settings.akosha_cloud_endpoint,
        bucket=context.settings.akosha_cloud_bucket,
        system_id=system_id,
    )
