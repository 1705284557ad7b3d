"""Proving the copy of a database whose timestamp lies ahead of this machine's clock.

Such a timestamp never becomes old enough to prove anything by itself: the clock was set back, the
file came from elsewhere with its times kept, or it lies on a network filesystem whose server's clock
is ahead. The copy is proved by a file at rest instead:

- Looks at every member's stat, before the copy and after a second read, are the same.
- The second read begins when `REST_SECONDS` have passed since the first look. Timestamps are set by
  one clock, this machine's or the server's, and no filesystem rounds them to more than 2 s. So a
  write that came later than that after the first look gave the file another timestamp than it had
  then, however far from ours that clock is, and the looks would differ. Only a write in the same
  tick as the first look can have gone unnoticed, and it was over when the second read began.
- So the second read saw files at rest, which are of one moment, and the copy has the same SHA-256.

The stat proves nothing later, though: no fingerprint is kept, and the next sync reads the files again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.snapshot.copy import hash_file
from akosha_hook.snapshot.model import COARSE_MARGIN_NS, MARGIN_NS, Database

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from akosha_hook.snapshot.model import Fingerprint, Member, Skipped, SnapshotFile
    from akosha_hook.snapshot.rules import Rules

ATTEMPTS = 3
REST_SECONDS = (COARSE_MARGIN_NS + MARGIN_NS) / 1e9
_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A copy that has yet to be proved, and the stat of the live files before it was made."""

    path: Path
    rules: Rules
    before: Sequence[Member]
    copy: Database


def wait_for_rest() -> None:
    """Let the settling time pass, once for any number of candidates."""
    time.sleep(REST_SECONDS)


def proved(candidate: Candidate) -> Database | Skipped | None:
    """The copy, if the live files were at rest; to be called after `wait_for_rest`.

    What its kind's rules say against it, if they do.

    Raises OSError where a live file cannot be read any more.
    """
    if not _is_at_rest(candidate) or not _has_the_same_bytes(candidate):
        return None
    # Also what was opened for the second read: only then does a network filesystem look again.
    if not _is_at_rest(candidate):
        return None
    copy = candidate.copy
    file, *sidecars = map(_without_fingerprint, copy.files)
    return candidate.rules.refused(copy) or Database(copy.name, file, tuple(sidecars), copy.kind)


def _is_at_rest(candidate: Candidate) -> bool:
    return list(candidate.rules.members(candidate.path)) == list(candidate.before)


def _has_the_same_bytes(candidate: Candidate) -> bool:
    try:
        return all(
            hash_file(live.path) == copied.sha256
            for live, copied in zip(candidate.before, candidate.copy.files, strict=True)
        )
    except FileNotFoundError:
        # A checkpoint removes the sidecar.
        return False


def _without_fingerprint(file: SnapshotFile) -> SnapshotFile:
    return msgspec.structs.replace(file, fingerprint=None)


def distance(fingerprint: Fingerprint, now_ns: int) -> str:
    """How far a timestamp lies ahead, in words: `3 days`, `1 hour`."""
    seconds = max(1, (fingerprint.newest_ns - now_ns) // 1_000_000_000)
    unit, length = next(each for each in _UNITS if seconds >= each[1])
    count = seconds // length
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
