"""Giving up a database that was stored once, so that it is not missed any more."""

from __future__ import annotations

import difflib
import logging
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from akosha_hook import snapshot
from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.format.manifest import SIDECARS
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot.sets import item_of, set_of
from akosha_hook.state import collapsed, forgotten
from akosha_hook.state.ledger import Ledger
from akosha_hook.sync import look, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.snapshot import LiveDatabase
    from akosha_hook.state.receipt import Collapse, Receipt, ReceiptFile
    from akosha_hook.state.receipts import Receipts

# Uploads that are looked at, newest first, until one has a whole copy.
MOST_LOOKED_AT = 10
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Forgot:
    """What was given up; `keys` are those of its newest copy, which stay in `bucket` for now.

    `as_of` is when that copy was made (ISO 8601 UTC), `upload_id` the newest upload that has it whole,
    as far as could be seen; all are empty where no copy is left.
    """

    name: str
    as_of: str
    bucket: str
    upload_id: str
    keys: tuple[str, ...]


def forget(name: str, context: Context, receipts: Receipts) -> Forgot:
    """Stop carrying the database `name` in later uploads; the caller holds the sync lock.

    Nothing is deleted. Raises AkoshaHookError where it was never stored, or would be stored again.
    """
    name = item_of(name)
    stored = [each for each in receipts.newest_first() if each.success and each.method == "cloud"]
    known = dict.fromkeys(file.database for each in stored for file in each.files)
    if name not in known:
        raise _unknown(name, tuple(known))
    directory = data_directory(context.settings, context.paths)
    patterns = context.settings.akosha_databases
    found = snapshot.find(directory, patterns, context.outside_databases)
    if here := next((each for each in found.databases if each.name == name), None):
        raise _still_here(here)
    if name in {each.name for each in snapshot.live_sets(context.settings, context.paths)}:
        raise _still_has_files(name, context)
    having = [
        _only(each, name) for each in stored if any(_is_of(file, name) for file in each.files)
    ]
    having.sort(key=lambda receipt: receipt.sequence, reverse=True)
    newest = _newest_copy(having, context, receipts)
    forgotten.add(context.paths, name)
    if newest is None:
        return Forgot(name, "", having[0].destination.bucket, "", ())
    files = newest.files
    stale = files[0].stale
    return Forgot(
        name=name,
        as_of=stale.as_of if stale else newest.started,
        bucket=newest.destination.bucket,
        upload_id=newest.upload_id,
        keys=tuple(dict.fromkeys(key for each in files for key in each.keys)),
    )


def accept(name: str, context: Context, receipts: Receipts) -> Collapse | None:
    """Take the database or set `name` as it is now, where it lost most of what was in it: what it lost.

    None where nothing is known of that. The caller holds the sync lock.
    """
    target, name = select.preferred(context), item_of(name)
    if target is None:
        return None
    found = collapsed.at(context.paths, target).get(name)
    newest = receipts.last_success(target)
    if found is not None:
        collapsed.accept(context.paths, target, [name], newest.sequence if newest else 0)
    return found


def _only(receipt: Receipt, name: str) -> Receipt:
    """The receipt as if its upload had no other database."""
    files = tuple(each for each in receipt.files if _is_of(each, name))
    return msgspec.structs.replace(receipt, files=files)


def _is_of(file: ReceiptFile, name: str) -> bool:
    return file.database == name


def _newest_copy(having: Sequence[Receipt], context: Context, receipts: Receipts) -> Receipt | None:
    """The newest of these uploads that is whole, by a look at the store where that can be asked.

    One that prune has deleted is not in the ledger any more. None where none is whole.
    """
    ledger = Ledger(context.paths, read_only=True)
    ledger.begin(receipts.newest_first(), 0)
    there = [each for each in having if ledger.entry(each.upload_id) is not None]
    target = select.preferred(context)
    for each in there[:MOST_LOOKED_AT]:
        if each.destination != target:
            return each
        try:
            seen = look.look(context, each, ledger=ledger)
        except AkoshaHookError as error:
            logger.info("Whether %s is whole could not be seen: %s", each.upload_id, error.message)
            return each
        if not seen.lost:
            return each
    return None


def _still_here(database: LiveDatabase) -> AkoshaHookError:
    name, directory = database.name, database.path.parent
    try:
        bad = database.unusable()
    except OSError:
        bad = None
    if bad is None:
        return AkoshaHookError(
            f"{name} is in {directory}, so the next upload would only store it again.",
            hint="Delete it first, or leave it out: akosha-hook config set akosha_databases NAMES",
        )
    return AkoshaHookError(
        f"{bad.message}, but it is in {directory}, and every sync would go on trying to store it.",
        hint="Delete it first, leave it out (akosha-hook config set akosha_databases NAMES), or "
        f"bring its last good copy back: akosha-hook restore --file {shlex.quote(name)}",
    )


def _still_has_files(item: str, context: Context) -> AkoshaHookError:
    others = [name for name in context.settings.akosha_include if item_of(name) != item]
    return AkoshaHookError(
        f"{set_of(item)} still has files, so the next upload would only store it again.",
        hint=f"Leave it out: akosha-hook config set akosha_include {shlex.quote(','.join(others))}",
    )


def _unknown(name: str, known: tuple[str, ...]) -> AkoshaHookError:
    owner = next((name.removesuffix(end) for end in SIDECARS if name.endswith(end)), "")
    if owner in known:
        hint = f"It goes with its database: akosha-hook forget {owner}"
    elif close := difflib.get_close_matches(name, known, 1):
        hint = f"akosha-hook forget {close[0]}"
    elif known:
        hint = f"Databases that were stored: {', '.join(sorted(known))}."
    else:
        hint = "Nothing was uploaded from here yet, as far as the receipts tell."
    return AkoshaHookError(
        f"No database {name} was ever stored from here.", hint=hint, exit_code=ExitCode.USAGE
    )
