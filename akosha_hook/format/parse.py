"""A manifest as it comes from a store: checked before it is believed.

Whoever can write to the store can have written it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import DamagedError, Kind
from akosha_hook.format.limits import MAX_FILES, max_stored
from akosha_hook.format.manifest import MAX_BYTES, SCHEMA, Manifest, sidecars_of
from akosha_hook.util.clock import epoch

if TYPE_CHECKING:
    from akosha_hook.format.manifest import Stale, StoredFile

_KEY = re.compile(r"systems/([A-Za-z0-9_-]{1,100})/uploads/([A-Za-z0-9_.-]{1,255})/([^/]{1,512})")
_UPLOAD = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_REASON = re.compile(r"[a-z0-9-]{1,40}")


def upload_of(key: str) -> tuple[str, str] | None:
    """The system id and upload id in an object's key; None where it is not one of ours."""
    match = _KEY.fullmatch(key)
    return (match[1], match[2]) if match and is_upload_id(match[2]) else None


def is_upload_id(name: str) -> bool:
    """Whether `name` has the form of an upload id, so that it can stand in a key."""
    return bool(_UPLOAD.fullmatch(name)) and set(name) != {"."}


def referenced_keys(document: Manifest) -> set[str]:
    """Keys of every object that a restore of this upload reads."""
    keys = {each.key for each in document.metadata.files}
    return keys | {each.delta.base_key for each in document.metadata.files if each.delta}


def uploaded_at(document: Manifest) -> dt.datetime:
    """`uploaded_at` with its zone; UTC where it names none."""
    when = dt.datetime.fromisoformat(document.uploaded_at)
    return when if when.tzinfo else when.replace(tzinfo=dt.UTC)


def parse(data: bytes, *, system_id: str, upload_id: str) -> Manifest:
    """A manifest from the bucket, held against everything a restore relies on.

    Raises DamagedError.
    """
    where = f"The manifest of {upload_id}"
    if len(data) > MAX_BYTES:
        raise DamagedError(f"{where} is longer than {MAX_BYTES:,} bytes.")
    try:
        head = msgspec.json.decode(data, type=_Versioned)
        if head.metadata.schema > SCHEMA:
            raise DamagedError(
                f"{where} was written by a newer akosha-hook.",
                hint="pip install -U akosha-hook",
                kind=Kind.TOO_NEW,
            )
        document = msgspec.json.decode(data, type=Manifest)
        if not 2000 <= uploaded_at(document).year < 3000:  # noqa: PLR2004
            raise ValueError(f"uploaded_at {document.uploaded_at!r}")  # noqa: TRY301
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise DamagedError(f"{where} cannot be read: {error}.") from error
    details = document.metadata
    if (details.system_id, details.upload_id) != (system_id, upload_id):
        raise DamagedError(f"{where} is of another upload: {details.system_id}.")
    if problem := _inconsistent(details.files, system_id):
        raise DamagedError(f"{where} makes no sense: {problem}.")
    return document


class _Schema(msgspec.Struct, frozen=True):
    schema: int


class _Versioned(msgspec.Struct, frozen=True):
    metadata: _Schema


def _inconsistent(listed: tuple[StoredFile, ...], system_id: str) -> str:
    """What is wrong with the files a manifest names; "" where nothing is."""
    if len(listed) > MAX_FILES:
        return f"it names {len(listed):,} files"
    # Two names that a case-insensitive filesystem takes for one would overwrite each other.
    names = Counter(each.name.casefold() for each in listed)
    if names.total() > len(names):
        return f"it names {names.most_common(1)[0][0]!r} twice"
    if lonely := [each.name for each in listed if each.database.casefold() not in names]:
        return f"{lonely[0]!r} has no database"
    stale = {each.name: each.stale for each in listed if each.name == each.database}
    if torn := [each.name for each in listed if each.stale != stale.get(each.database, each.stale)]:
        return f"{torn[0]!r} is not of the same moment as its database"
    kinds = {each.name.casefold(): each.kind for each in listed if each.name == each.database}
    if odd := [each.name for each in listed if each.kind != kinds.get(each.database.casefold())]:
        return f"{odd[0]!r} is of another kind than its database"
    return next(filter(None, (_wrong_with(each, system_id) for each in listed)), "")


def _wrong_with(each: StoredFile, system_id: str) -> str:
    if each.name not in {each.database, *(each.database + end for end in sidecars_of(each.kind))}:
        return f"{each.name!r} does not belong to {each.database!r}"
    for key in [each.key, *([each.delta.base_key] if each.delta else [])]:
        if (names := upload_of(key)) is None or names[0] != system_id:
            return f"{key!r} is no object of this system's"
    if each.stored_size > max_stored(each):
        return f"{each.name!r} cannot be {each.stored_size:,} bytes in the bucket"
    if each.stale and (problem := _wrong_with_stale(each.stale)):
        return f"{each.name!r} is stale with {problem}"
    return ""


def _wrong_with_stale(stale: Stale) -> str:
    """What is wrong with why and since when a database is stale; "" where nothing is."""
    if not _REASON.fullmatch(stale.reason):
        return "a reason that is none"
    for moment in (stale.since, stale.as_of):
        try:
            epoch(moment)
        except (ValueError, OverflowError):
            return "a time that is none"
    return ""
