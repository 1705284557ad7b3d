"""Giving up a database that was stored once, so that it is not missed any more."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook import snapshot
from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.format.manifest import SIDECARS
from akosha_hook.settings.derived import data_directory
from akosha_hook.state import forgotten

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.state.receipt import Receipt
    from akosha_hook.state.receipts import Receipts


@dataclass(frozen=True, slots=True)
class Forgot:
    """What was given up; `keys` are those of its newest copy, which stay in `bucket` for now.

    `as_of` is when that copy was made (ISO 8601 UTC), `upload_id` the newest upload that has it.
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
    stored = [each for each in receipts.newest_first() if each.success and each.method == "cloud"]
    known = dict.fromkeys(file.database for each in stored for file in each.files)
    if name not in known:
        raise _unknown(name, tuple(known))
    directory = data_directory(context.settings, context.paths)
    if name in snapshot.find_databases(directory, context.settings.akosha_databases)[0]:
        raise AkoshaHookError(
            f"{name} is in {directory}, so the next upload would only store it again.",
            hint="Delete it first, or leave it out: akosha-hook config set akosha_databases NAMES",
        )
    newest = max(
        (each for each in stored if _has(each, name)), key=lambda receipt: receipt.sequence
    )
    forgotten.add(context.paths, name)
    files = [each for each in newest.files if each.database == name]
    stale = files[0].stale
    return Forgot(
        name=name,
        as_of=stale.as_of if stale else newest.started,
        bucket=newest.destination.bucket,
        upload_id=newest.upload_id,
        keys=tuple(dict.fromkeys(key for each in files for key in each.keys)),
    )


def _has(receipt: Receipt, name: str) -> bool:
    return any(each.database == name for each in receipt.files)


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
