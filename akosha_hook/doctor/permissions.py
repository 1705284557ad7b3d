"""What the keys may do in the bucket: each permission is tried with a test object."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.errors import AkoshaHookError, DeliveryError, ExitCode, Kind
from akosha_hook.state import identity
from akosha_hook.stores.base import READ_FAILED
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from akosha_hook.context import Context
    from akosha_hook.stores.s3.client import S3Client

AREA = "Bucket"
STEP_SECONDS = 8.0
DELETION = "delete (s3:DeleteObject)"


class _Patience(Deadline):
    """A deadline that starts again with every probe."""

    def renew(self) -> None:
        object.__setattr__(self, "started", time.monotonic())


@dataclass(frozen=True, slots=True)
class Probes:
    """The bucket, and the key of the test object, which nothing else uses."""

    client: S3Client
    patience: _Patience
    headers: dict[str, str]
    key: str
    prunes: bool
    content: bytes = field(default_factory=lambda: secrets.token_bytes(64))


def open_probes(context: Context) -> Probes:
    from akosha_hook.stores.s3.connect import encryption_headers, open_client

    settings = context.settings
    patience = _Patience(STEP_SECONDS)
    client = open_client(context, RetryPolicy(0, 0.0, patience), subject=READ_FAILED)
    system_id = identity.peek(context.paths, settings)
    kept = (
        settings.akosha_keep_last,
        settings.akosha_keep_daily,
        settings.akosha_keep_weekly,
        settings.akosha_keep_monthly,
    )
    return Probes(
        client,
        patience,
        encryption_headers(settings),
        f"systems/{system_id}/probe/doctor",
        prunes=any(kept),
    )


def findings(probes: Probes) -> Iterator[Finding]:
    """One finding for each permission; without the permission to put, the rest is not tried.

    Where nothing may be deleted, nothing is put either: it would stay.
    """
    client, key = probes.client, probes.key
    if _is_missing(probes):
        yield listing(probes)
        return
    if not _may_delete(probes):
        yield from _without_leaving(probes)
        return
    put = _try(
        probes,
        "put (s3:PutObject)",
        lambda: client.put(key, probes.content, probes.headers),
        "",
    )
    yield put
    if put.state != "ok":
        return
    yield _try(
        probes,
        "head (s3:GetObject)",
        lambda: _look(probes),
        "checking what is stored and skipping what has not changed",
    )
    yield _try(probes, "get (s3:GetObject)", lambda: _fetch(probes), "restore and verify")
    yield listing(probes)
    yield from _multipart(probes)
    yield _deletion(probes)


def _may_delete(probes: Probes) -> bool:
    """Tried on a key where nothing is; what fails for another reason is for the probes to say."""
    probes.patience.renew()
    try:
        bounded(
            lambda: probes.client.delete(probes.key), seconds=2 * STEP_SECONDS, what="the request"
        )
    except AkoshaHookError as error:
        return error.kind not in {Kind.DENIED, Kind.UNSUPPORTED}
    return True


def _without_leaving(probes: Probes) -> Iterator[Finding]:
    """What can be tried with keys that may not delete.

    A PUT whose Content-MD5 is not that of its body is refused after the permission was checked, so
    that it stores nothing.
    """
    yield _try(probes, "put (s3:PutObject)", lambda: _put_wrongly(probes), "")
    yield listing(probes)
    yield from _multipart(probes)
    detail = "denied, but not needed: nothing is pruned"
    if probes.prunes:
        detail, hint = "denied; prune will not work without it", "allow s3:DeleteObject"
        yield Finding(
            AREA, DELETION, "warning", detail, f"{hint} (docs/providers.md has the policy)"
        )
    else:
        yield Finding(AREA, DELETION, "ok", detail)


def _put_wrongly(probes: Probes) -> None:
    wrong = base64.b64encode(bytes(16)).decode()
    try:
        probes.client.put(probes.key, probes.content, {**probes.headers, "Content-MD5": wrong})
    except AkoshaHookError as error:
        # Whatever else is said of the request was said after the permission was checked.
        if error.kind in {Kind.DENIED, Kind.UNAUTHENTICATED, Kind.STORE_MISSING}:
            raise
        if error.kind in {Kind.UNREACHABLE, Kind.TIMED_OUT, Kind.THROTTLED}:
            raise


def _is_missing(probes: Probes) -> bool:
    """Asked before anything is put: SeaweedFS creates a missing bucket for an administrator's key."""
    probes.patience.renew()
    try:
        bounded(lambda: _list_one(probes), seconds=2 * STEP_SECONDS, what="the request")
    except AkoshaHookError as error:
        return error.kind is Kind.STORE_MISSING
    return False


def listing(probes: Probes) -> Finding:
    return _try(
        probes, "list (s3:ListBucket)", lambda: _list_one(probes), "ls, restore latest and prune"
    )


def _list_one(probes: Probes) -> None:
    prefix = probes.key.rpartition("/")[0] + "/"
    next(iter(probes.client.objects(prefix)), None)


def _multipart(probes: Probes) -> Iterator[Finding]:
    """Start a multipart upload, list its parts, abort it.

    None is started that could not be aborted again: first, one that does not exist is.
    """
    multipart_ids: list[str] = []
    client, key = probes.client, f"{probes.key}-parts"
    abort = _abort(probes, lambda: _abort_nothing(client, key))
    if abort.state != "ok":
        yield abort
        return
    start = _try(
        probes,
        "multipart (s3:PutObject)",
        lambda: multipart_ids.append(client.create_multipart(key, probes.headers)),
        "",
    )
    yield start
    if start.state != "ok":
        return
    yield _try(
        probes,
        "list parts (s3:ListMultipartUploadParts)",
        lambda: client.list_parts(key, multipart_ids[0]),
        "checking the parts of an upload before it is continued",
    )
    yield _abort(probes, lambda: client.abort_multipart(key, multipart_ids[0]))


def _abort(probes: Probes, request: Callable[[], object]) -> Finding:
    return _try(
        probes,
        "abort (s3:AbortMultipartUpload)",
        request,
        "removing the parts of abandoned uploads, which cost money,",
    )


def _abort_nothing(client: S3Client, key: str) -> None:
    """Succeeds unless aborting is denied; servers disagree on what they answer otherwise."""
    try:
        client.abort_multipart(key, "0" * 32)
    except AkoshaHookError as error:
        if error.kind in {Kind.DENIED, Kind.UNREACHABLE, Kind.TIMED_OUT}:
            raise


def _deletion(probes: Probes) -> Finding:
    return _try(probes, DELETION, lambda: probes.client.delete(probes.key), "prune")


def _look(probes: Probes) -> None:
    head = probes.client.head(probes.key)
    if head is None or head.size != len(probes.content):
        raise DeliveryError(
            "What was just stored is not there, or has another size.",
            hint="ask the provider: the bucket is not consistent",
            code="NotThere",
        )


def _fetch(probes: Probes) -> None:
    if probes.client.get_range(probes.key, 0, 2 * len(probes.content)) != probes.content:
        raise DeliveryError(
            "What was read back is not what was stored.",
            hint="check whether a proxy changes the data",
            code="Changed",
        )


def _try(probes: Probes, name: str, request: Callable[[], object], without: str) -> Finding:
    """One probe; `without` names what will not work if it is denied, "" stands for everything."""
    probes.patience.renew()
    try:
        bounded(request, seconds=2 * STEP_SECONDS, what="the request")
    except AkoshaHookError as error:
        denied = error.kind in {Kind.DENIED, Kind.UNSUPPORTED}
        if denied and without:
            permission = name.partition("(")[2].rstrip(")")
            detail = f"denied; {without} will not work without it"
            return Finding(
                AREA,
                name,
                "warning",
                detail,
                f"allow {permission} (docs/providers.md has the policy)",
            )
        return Finding(
            AREA,
            name,
            "problem",
            error.message,
            error.remedy or "akosha-hook logs shows more",
            ExitCode.CREDENTIALS if denied else error.exit_code,
        )
    return Finding(AREA, name, "ok", "works")
