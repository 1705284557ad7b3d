"""What the bucket holds: systems, their uploads, and whether each is complete.

Everything read here was written by somebody who can write to the bucket: it is checked before it
is believed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import DamagedError, DeliveryError, SettingsError
from akosha_hook.format import manifest
from akosha_hook.format.manifest import Manifest
from akosha_hook.settings.derived import cloud_configured
from akosha_hook.snapshot.take import SIDECARS
from akosha_hook.util import log
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from akosha_hook.context import Context
    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.stores.s3.bucket import Bucket, Listed

READERS = 8
# What messages begin with where nothing is being synced: in ls, restore, verify and prune.
FAILED = "The bucket could not be used"
# Reading back takes what it takes: a stalled connection is noticed by its own timeouts.
READ_SECONDS = 7 * 86_400.0
MAX_FILES = 1000
# Of all manifests of a system together: 50,000 of them as we write them.
MAX_MANIFESTS_BYTES = 128 * 1024 * 1024
_SYSTEM = re.compile(r"systems/([A-Za-z0-9_-]{1,100})/")
_UPLOAD = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_KEY = re.compile(r"systems/([A-Za-z0-9_-]{1,100})/uploads/([A-Za-z0-9_.-]{1,255})/([^/]{1,512})")
# A gzip of incompressible bytes is a little longer than they are.
_OVERHEAD_SHARE = 64
_OVERHEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of a system.

    `objects` are those below its own prefix. `missing` are keys its manifest names that are not
    there, or not at their size. `problem` says why a manifest cannot be used. `leaned_on` says
    that another upload refers to an object of this one.
    """

    system_id: str
    upload_id: str
    objects: tuple[Listed, ...]
    manifest: Manifest | None = None
    problem: str = ""
    missing: tuple[str, ...] = ()
    leaned_on: bool = False

    @property
    def complete(self) -> bool:
        return self.manifest is not None and not self.problem and not self.missing

    @property
    def has_manifest(self) -> bool:
        return any(each.key.endswith(f"/{manifest.NAME}") for each in self.objects)

    @property
    def manifest_bytes(self) -> int:
        """Bytes of its manifest by the listing, or what is read of one that is longer."""
        sizes = (each.size for each in self.objects if each.key.endswith(f"/{manifest.NAME}"))
        return min(next(sizes, 0), manifest.MAX_BYTES)

    @property
    def at(self) -> dt.datetime:
        """When it was made: by its manifest, else by its newest object."""
        if self.manifest is not None:
            return uploaded_at(self.manifest)
        newest = max((each.modified for each in self.objects), default=0.0)
        return dt.datetime.fromtimestamp(newest, dt.UTC)

    @property
    def sequence(self) -> int:
        return self.manifest.metadata.sequence if self.manifest else -1

    @property
    def stored_bytes(self) -> int:
        """Bytes of its own objects."""
        return sum(each.size for each in self.objects)


def open_to_read(context: Context, *, readers: int = READERS) -> Bucket:
    """The configured bucket for listing and reading; raises SettingsError, CredentialsError."""
    from akosha_hook.stores.s3.connect import open_bucket

    if not cloud_configured(context.settings):
        raise SettingsError(
            "No bucket is set, so there is nothing to read.",
            hint="akosha-hook config set akosha_cloud_bucket NAME",
        )

    def on_retry(error: DeliveryError, attempt: int, delay: float) -> None:
        context.progress.retry(log.redacted(error.message), attempt, delay)

    policy = RetryPolicy(
        max_retries=context.settings.akosha_max_retries,
        backoff_seconds=context.settings.akosha_retry_backoff_seconds,
        deadline=Deadline(READ_SECONDS),
        on_retry=on_retry,
    )
    return open_bucket(
        context.settings,
        context.paths,
        context.environ,
        policy,
        connections=readers,
        failed=FAILED,
    )


def systems(bucket: Bucket) -> tuple[str, ...]:
    """Names of all systems in the bucket; what is no system's prefix is left out."""
    found = (_SYSTEM.fullmatch(each) for each in bucket.prefixes("systems/"))
    return tuple(sorted(match.group(1) for match in found if match))


def uploads(bucket: Bucket, system_id: str) -> tuple[Upload, ...]:
    """Every upload of a system, incomplete ones too, newest first by sequence."""
    listed: dict[str, list[Listed]] = {}
    for each in bucket.objects(f"systems/{system_id}/uploads/"):
        match = _KEY.fullmatch(each.key)
        if match and match.group(1) == system_id and set(match.group(2)) != {"."}:
            listed.setdefault(match.group(2), []).append(each)
    bare = [Upload(system_id, name, tuple(objects)) for name, objects in listed.items()]
    _refuse_flood(system_id, bare)
    with ThreadPoolExecutor(READERS, thread_name_prefix="manifest") as pool:
        read = list(pool.map(partial(_with_manifest, bucket), bare))
    sizes = {each.key: each.size for objects in listed.values() for each in objects}
    needed = Counter(key for each in read if each.manifest for key in leaned_on(each.manifest))
    finished = (_with_relations(each, sizes, needed) for each in read)
    return tuple(sorted(finished, key=lambda each: (each.sequence, each.at), reverse=True))


def read_upload(bucket: Bucket, system_id: str, upload_id: str) -> Upload | None:
    """One upload by its id, without listing; None where it has no manifest."""
    if not _UPLOAD.fullmatch(upload_id) or set(upload_id) == {"."}:
        return None
    bare = Upload(system_id, upload_id, ())
    data = _manifest_bytes(bucket, bare, manifest.MAX_BYTES)
    return _parsed(bare, data) if data is not None else None


def _refuse_flood(system_id: str, uploads: list[Upload]) -> None:
    """Raise DamagedError where reading every manifest would take more memory than is believable."""
    total = sum(each.manifest_bytes for each in uploads)
    if total > MAX_MANIFESTS_BYTES:
        raise DamagedError(
            f"The manifests of {system_id} have {total:,} bytes in all, more than is believable.",
            hint="akosha-hook restore UPLOAD_ID reads only that upload's.",
        )


def leaned_on(document: Manifest) -> set[str]:
    """Keys of every object a restore of this upload reads."""
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
    if len(data) > manifest.MAX_BYTES:
        raise DamagedError(f"{where} is longer than {manifest.MAX_BYTES:,} bytes.")
    try:
        head = msgspec.json.decode(data, type=_Versioned)
        if head.metadata.schema > manifest.SCHEMA:
            raise DamagedError(
                f"{where} was written by a newer akosha-hook.",
                hint="pip install -U akosha-hook",
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
    return next(filter(None, (_wrong_with(each, system_id) for each in listed)), "")


def _wrong_with(each: StoredFile, system_id: str) -> str:
    if each.name not in {each.database, *(each.database + end for end in SIDECARS)}:
        return f"{each.name!r} does not belong to {each.database!r}"
    for key in [each.key, *([each.delta.base_key] if each.delta else [])]:
        match = _KEY.fullmatch(key)
        if not match or match.group(1) != system_id or set(match.group(2)) == {"."}:
            return f"{key!r} is no object of this system's"
    if each.stored_size > most_stored(each):
        return f"{each.name!r} cannot be {each.stored_size:,} bytes in the bucket"
    return ""


def most_plain(file: StoredFile) -> int:
    """The most plain bytes the object may hold: the file, or for a delta its literals and index."""
    return file.size + (file.size // _OVERHEAD_SHARE + _OVERHEAD_BYTES if file.delta else 0)


def most_stored(file: StoredFile) -> int:
    """The most bytes the object may have in the bucket; a limit for what is downloaded."""
    plain = most_plain(file)
    if file.compression == "identity" and not file.delta:
        return plain
    return plain + plain // _OVERHEAD_SHARE + _OVERHEAD_BYTES


def _with_manifest(bucket: Bucket, upload: Upload) -> Upload:
    if not upload.has_manifest:
        return upload
    data = _manifest_bytes(bucket, upload, upload.manifest_bytes)
    return _parsed(upload, data) if data is not None else upload


def _manifest_bytes(bucket: Bucket, upload: Upload, most: int) -> bytes | None:
    """The manifest, and one byte more where there is more than `most`."""
    key = manifest.prefix(upload.system_id, upload.upload_id) + manifest.NAME
    try:
        return bucket.get(key, limit=most + 1)
    except DeliveryError as error:
        if error.code == "InvalidRange":  # an empty object has no first byte
            return b""
        raise


def _parsed(upload: Upload, data: bytes) -> Upload:
    try:
        document = parse(data, system_id=upload.system_id, upload_id=upload.upload_id)
    except DamagedError as error:
        return replace(upload, problem=log.redacted(error.message))
    return replace(upload, manifest=document)


def _with_relations(upload: Upload, sizes: Mapping[str, int], needed: Counter[str]) -> Upload:
    known: Callable[[str], int | None] = sizes.get
    missing: list[str] = []
    for each in upload.manifest.metadata.files if upload.manifest else ():
        if known(each.key) != each.stored_size:
            missing.append(each.key)
        if each.delta and known(each.delta.base_key) is None:
            missing.append(each.delta.base_key)
    itself = leaned_on(upload.manifest) if upload.manifest else set()
    return replace(
        upload,
        missing=tuple(dict.fromkeys(missing)),
        leaned_on=any(needed[each.key] > (each.key in itself) for each in upload.objects),
    )
