"""A live database, and copies of it that are proved by its kind's rules."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.snapshot.ahead import Candidate
from akosha_hook.snapshot.copy import Copied, copy_and_hash
from akosha_hook.snapshot.kinds import head, kind_of, kind_of_bytes
from akosha_hook.snapshot.model import Database, Fingerprint, Skipped, SnapshotFile
from akosha_hook.snapshot.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from akosha_hook.snapshot.item import OnRead
    from akosha_hook.snapshot.model import Member
    from akosha_hook.snapshot.rules import Rules

RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class LiveDatabase:
    """A file that is, or should be, a database; an `Item`.

    `doubtful` says that nothing but the ending of its name makes a database of it.
    """

    path: Path
    doubtful: bool = False

    @property
    def name(self) -> str:
        return self.path.name

    def fingerprints(self) -> dict[str, Fingerprint]:
        kind = kind_of(self.path)
        if kind is None:
            return {self.name: Fingerprint.of(self.path.stat())}
        return {each.name: each.fingerprint for each in RULES[kind].members(self.path)}

    def freeze(self, into: Path, on_read: OnRead) -> Database | Skipped | Candidate:
        if problem := self.unusable():
            return problem
        kind = kind_of(self.path)
        if kind is None:
            # It was there a moment ago.
            raise FileNotFoundError(self.path)
        return _freeze(self.path, RULES[kind], into, on_read)

    def unusable(self) -> Skipped | None:
        """Why the file is not a database; None where it is one, encrypted or not.

        Raises OSError where it cannot be read.
        """
        name = self.name
        if not self.path.is_file():
            return Skipped(name, "unreadable", f"{name} is not a file")
        first = head(self.path)
        if not first:
            return Skipped(name, "empty", f"{name} is empty (0 bytes)", doubtful=self.doubtful)
        if kind_of_bytes(first) is None:
            message = f"{name} is neither a DuckDB nor a SQLite database"
            return Skipped(name, "not-a-database", message, doubtful=self.doubtful)
        return None


def _freeze(
    database: Path, rules: Rules, into: Path, on_read: OnRead
) -> Database | Skipped | Candidate:
    for attempt in range(rules.attempts):
        if attempt:
            time.sleep(RETRY_SECONDS * attempt)
        _wait_until_settled(database, rules)
        started = time.time_ns()
        before = rules.members(database)
        proving = [each.fingerprint for each in rules.has_to_settle(before)]
        is_ahead = any(each.ahead(started) for each in proving)
        if not is_ahead and not all(each.settled(started) for each in proving):
            continue
        try:
            copied = _copy(rules, before, into, started, on_read)
        except FileNotFoundError:
            # A checkpoint or a commit removes or empties the sidecar.
            continue
        if is_ahead:
            return Candidate(database, rules, before, copied)
        if rules.held_still(before, rules.members(database)):
            return rules.refused(copied) or copied
    return never_still(database, rules, into)


def never_still(database: Path, rules: Rules, into: Path, *, why: str = "") -> Database | Skipped:
    """The copy of a database that was written to during every attempt, or that there is none."""
    if copy := rules.without_rest(database, into):
        return copy
    name = database.name
    return Skipped(name, "busy", f"{name} kept changing while it was being copied{why}")


def _wait_until_settled(database: Path, rules: Rules) -> None:
    """Wait, for a bounded time, until the files' timestamps are old enough to prove something.

    There is no waiting for one that lies ahead of the clock.
    """
    limit = time.monotonic() + rules.settle_seconds
    while time.monotonic() < limit:
        now = time.time_ns()
        found = [each.fingerprint for each in rules.has_to_settle(rules.members(database))]
        if all(each.settled(now) or each.ahead(now) for each in found):
            return
        time.sleep(0.02)


def _copy(
    rules: Rules, before: Sequence[Member], into: Path, started: int, on_read: OnRead
) -> Database:
    """A copy of the files that `before` names, sidecars first, each up to its size there."""
    copied: dict[str, Copied] = {}
    for each in reversed(before):
        copied[each.name] = copy_and_hash(
            each.path, into / each.name, each.fingerprint.size, on_read=on_read
        )
    frozen = [
        SnapshotFile(
            name=each.name,
            path=into / each.name,
            size=each.fingerprint.size,
            sha256=copied[each.name].sha256,
            fingerprint=each.fingerprint if each.fingerprint.settled(started) else None,
            blocks=copied[each.name].blocks,
        )
        for each in before
    ]
    return Database(before[0].name, frozen[0], tuple(frozen[1:]), rules.kind)
