"""`collapsed.json`: databases that lost most of what was in them, until the user has looked.

To have looked is `akosha-hook forget NAME`, or `prune --ignore-collapse`. A database that has again
as much as before needs no looking at.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.snapshot.sets import set_of
from akosha_hook.state.ledger_lines import store_name
from akosha_hook.state.receipt import Bytes, Collapse, Name
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import Target


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A collapse that nobody has looked at; `seen` says that a session start has told of it."""

    collapse: Collapse
    seen: bool = False


class Collapsed(msgspec.Struct, frozen=True, kw_only=True):
    """By destination and database. `accepted` has the number of the upload that was the newest one
    when the user said that a collapse was meant: those before it are not kept for what they have.
    """

    open: dict[str, dict[Name, Open]] = {}
    accepted: dict[str, Bytes] = {}


def at(paths: Paths, target: Target) -> dict[str, Collapse]:
    """What nobody has looked at yet, at one destination, by name of database. Changes nothing."""
    found = _read(paths).open.get(_place(target), {})
    return {name: each.collapse for name, each in found.items()}


def accepted(paths: Paths, target: Target) -> int:
    """The number of the upload from which on a collapse counts, 0 for all."""
    return _read(paths).accepted.get(_place(target), 0)


def remember(paths: Paths, target: Target, found: Mapping[str, Collapse]) -> None:
    """Keep exactly these for the destination; the caller holds the sync lock."""
    before = _read(paths)
    place = _place(target)
    known = before.open.get(place, {})
    now = {
        name: Open(collapse=each, seen=_is_told(known.get(name), each))
        for name, each in found.items()
    }
    if now != known:
        _write(paths, msgspec.structs.replace(before, open=before.open | {place: now}))


def accept(paths: Paths, target: Target, names: Iterable[str], sequence: int) -> None:
    """The user has looked: what `names` lost was meant. The caller holds the sync lock.

    `sequence` is the number of the newest upload.
    """
    before, place, gone = _read(paths), _place(target), set(names)
    left = {name: each for name, each in before.open.get(place, {}).items() if name not in gone}
    _write(
        paths,
        Collapsed(open=before.open | {place: left}, accepted=before.accepted | {place: sequence}),
    )


def unseen(paths: Paths) -> tuple[str, ...]:
    """A sentence for each that no session start has told of yet."""
    found = _read(paths).open.values()
    return tuple(
        sentence(each.collapse) for place in found for each in place.values() if not each.seen
    )


def mark_seen(paths: Paths, was_shown: Callable[[str], bool]) -> None:
    """Note of which a session start has told."""
    before = _read(paths)
    now = {
        place: {
            name: msgspec.structs.replace(
                each, seen=each.seen or was_shown(sentence(each.collapse))
            )
            for name, each in found.items()
        }
        for place, found in before.open.items()
    }
    if now != before.open:
        _write(paths, msgspec.structs.replace(before, open=now))


def summary(collapse: Collapse) -> str:
    """What happened, without what to type."""
    return (
        f"{collapse.name} had {collapse.before:,} {collapse.what} and has {collapse.now:,} now; "
        f"upload {collapse.upload_id} has the {collapse.before:,} and is kept"
    )


def advice(collapse: Collapse) -> str:
    """What to type: to get them back, and where it was meant."""
    # A set of files is called by its own name, not by that of its tar.
    name = shlex.quote(set_of(collapse.name) or collapse.name)
    return (
        f"akosha-hook restore {collapse.upload_id} --file {name} --to DIRECTORY brings them back; "
        f"if it was meant: akosha-hook forget {name}"
    )


def sentence(collapse: Collapse) -> str:
    """Both, as one line."""
    return f"{summary(collapse)}. {advice(collapse)}"


def _is_told(known: Open | None, now: Collapse) -> bool:
    """Whether it is one that was told, and not a new one of the same database."""
    return known is not None and known.seen and known.collapse.since == now.since


def _place(target: Target) -> str:
    return f"{store_name(target)} {target.system_id}".strip()


def _read(paths: Paths) -> Collapsed:
    return files.peek_json(paths.collapsed, Collapsed) or Collapsed()


def _write(paths: Paths, now: Collapsed) -> None:
    files.private_directory(paths.state)
    files.write_json(paths.collapsed, now)
