"""What a snapshot is made of: things with a name, each of a kind with rules of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from akosha_hook.snapshot.kinds import BESIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from akosha_hook.snapshot.ahead import Candidate
    from akosha_hook.snapshot.model import Database, Fingerprint, Skipped

OnRead: TypeAlias = "Callable[[], object] | None"


class Item(Protocol):
    """One thing that is backed up under a name: a database, or a set of files."""

    @property
    def name(self) -> str:
        """The name under which it is stored, receipted and restored."""

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        """By the names under which its files are stored: what `stat` says of them now.

        Raises OSError where it cannot be looked at.
        """

    def freeze(self, into: Path, on_read: OnRead) -> Database | Skipped | Candidate:
        """A consistent copy in `into`, or why there is none.

        A candidate where a timestamp lies ahead of the clock (see `ahead`). Raises OSError where
        a file cannot be read, or the copy not be written.
        """


def is_known(item: Item, known: Mapping[str, Fingerprint]) -> bool:
    """Whether the files of `item` are, by stat, those that `known` names."""
    try:
        now = dict(item.fingerprints())
    except OSError:
        return False
    family = (item.name, *(item.name + suffix for suffix in BESIDE))
    return now == {name: known[name] for name in family if name in known}


def size_of(item: Item) -> int:
    """Bytes of its files; 0 where it cannot be looked at."""
    try:
        return sum(fingerprint.size for fingerprint in item.fingerprints().values())
    except OSError:
        return 0
