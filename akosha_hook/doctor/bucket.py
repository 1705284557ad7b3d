"""The way to the bucket, step by step: keys, name, TLS, clock, then each permission."""

from __future__ import annotations

import email.utils
import re
import secrets
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from akosha_hook.catalog import FAILED
from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.errors import (
    AkoshaHookError,
    CredentialsError,
    DeliveryError,
    ExitCode,
    SettingsError,
)
from akosha_hook.settings.derived import cloud_configured
from akosha_hook.state import identity
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from akosha_hook.context import Context
    from akosha_hook.stores.providers import Provider
    from akosha_hook.stores.s3.bucket import Bucket

AREA = "Bucket"
STEP_SECONDS = 8.0
CONNECT_SECONDS = 4.0
CREDENTIAL_SECONDS = 15.0
# S3 refuses requests more than 15 minutes off.
CLOCK_LIMIT_SECONDS, CLOCK_WARNING_SECONDS = 900.0, 60.0
NETWORK_FIX = (
    "check the network, and akosha_cloud_endpoint: akosha-hook config get akosha_cloud_endpoint"
)
DENIED = frozenset({"AccessDenied", "HTTP403", "AllAccessDisabled", "MethodNotAllowed"})


class _Patience(Deadline):
    """A deadline that begins anew with every probe."""

    def renew(self) -> None:
        object.__setattr__(self, "started", time.monotonic())


@dataclass(frozen=True, slots=True)
class _Probes:
    """The bucket, and one key of ours in it that nothing else uses."""

    bucket: Bucket
    patience: _Patience
    headers: dict[str, str]
    key: str
    prunes: bool
    content: bytes = field(default_factory=lambda: secrets.token_bytes(64))


def findings(context: Context) -> Iterator[Finding]:
    """Keys, then the way there, then what the keys may do; a step that fails ends it."""
    probes = yield from _opened(context)
    if probes is not None:
        yield from _permissions(probes)


def reachable(context: Context) -> Iterator[Finding]:
    """Whether the server answers, and these keys open the bucket."""
    probes = yield from _opened(context)
    if probes is not None:
        yield _listing(probes)


def _opened(context: Context) -> Generator[Finding, None, _Probes | None]:
    """The bucket once the way to it is known to be good, else None."""
    settings = context.loaded.settings
    unused = not cloud_configured(settings) or settings.akosha_force_method == "http"
    if unused or context.loaded.unsafe:
        return None
    from akosha_hook.stores.providers import provider_for

    try:
        provider = provider_for(settings)
        yield _keys(context)
    except CredentialsError as error:
        yield Finding(AREA, "keys", "problem", error.message, error.hint, ExitCode.CREDENTIALS)
        return None
    except AkoshaHookError as error:
        yield Finding(AREA, "keys", "problem", error.message, error.hint, error.exit_code)
        return None
    for found in _way(context, provider):
        yield found
        if found.state == "problem":
            return None
    return _probes(context)


def _keys(context: Context) -> Finding:
    """Which source the keys come from; raises CredentialsError."""
    from akosha_hook.stores import credentials

    environ = context.environ
    found = bounded(
        lambda: credentials.resolve(
            context.loaded.settings, environ, home=Path(environ.get("HOME") or Path.home())
        ),
        seconds=CREDENTIAL_SECONDS,
        what="looking for credentials",
    )
    detail = f"from {found.source}"
    if found.warnings:
        return Finding(
            AREA,
            "keys",
            "warning",
            f"{detail}: {'; '.join(each.message for each in found.warnings)}",
            "\n".join(each.fix for each in found.warnings),
        )
    return Finding(AREA, "keys", "ok", detail)


def _way(context: Context, provider: Provider) -> Iterator[Finding]:
    """Proxy, name, TLS and clock, by one request that needs no key."""
    from akosha_hook.util.proxies import proxy_for

    try:
        proxy = proxy_for(provider.url, context.environ)
    except SettingsError as error:
        yield Finding(AREA, "proxy", "problem", error.message, error.hint, error.exit_code)
        return
    host = urlsplit(provider.url).hostname or ""
    if proxy is not None:
        yield Finding(AREA, "proxy", "ok", f"through {proxy.url}")
        host = urlsplit(proxy.url).hostname or ""
    try:
        addresses = bounded(
            lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM),
            seconds=STEP_SECONDS,
            what=f"looking up {host}",
        )
    except (OSError, AkoshaHookError) as error:
        detail = f"{host} cannot be resolved: {error}"
        yield Finding(AREA, "DNS", "problem", detail, NETWORK_FIX, ExitCode.UNREACHABLE)
        return
    yield Finding(AREA, "DNS", "ok", f"{host} is {addresses[0][4][0]}")
    yield from _answer(context, provider)


def _answer(context: Context, provider: Provider) -> Iterator[Finding]:
    from akosha_hook.stores.s3.failures import classify
    from akosha_hook.util.http import pool

    def request() -> str:
        opened = pool(
            context.settings.akosha_ca_file,
            context.environ,
            url=provider.url,
            size=1,
            connect_seconds=CONNECT_SECONDS,
            read_seconds=CONNECT_SECONDS,
        )
        try:
            response = opened.request("HEAD", f"{provider.url}/", redirect=False)
        except Exception as error:
            raise classify(error, what="saying hello", failed=FAILED) from error
        return response.headers.get("Date", "")

    try:
        date = bounded(request, seconds=2 * STEP_SECONDS, what="the request")
    except AkoshaHookError as error:
        yield Finding(
            AREA, "server", "problem", error.message, _fix(error) or NETWORK_FIX, error.exit_code
        )
        return
    secure = "over TLS" if provider.secure else "without TLS"
    yield Finding(AREA, "server", "ok", f"{provider.name} at {provider.host} answers {secure}")
    yield _clock(date)


def _clock(date: str) -> Finding:
    try:
        theirs = email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return Finding(AREA, "clock", "ok", "not compared: the server does not tell the time")
    gap = abs(time.time() - theirs)
    detail = f"{gap:.0f} s from the server's"
    fix = "set the clock; timedatectl set-ntp true keeps it right"
    if gap > CLOCK_LIMIT_SECONDS:
        return Finding(AREA, "clock", "problem", f"{detail}: S3 refuses such requests", fix)
    if gap > CLOCK_WARNING_SECONDS:
        return Finding(AREA, "clock", "warning", detail, fix)
    return Finding(AREA, "clock", "ok", detail)


def _probes(context: Context) -> _Probes:
    from akosha_hook.stores.s3.connect import object_headers, open_bucket

    settings = context.loaded.settings
    patience = _Patience(STEP_SECONDS)
    opened = open_bucket(
        settings, context.paths, context.environ, RetryPolicy(0, 0.0, patience), failed=FAILED
    )
    system_id = identity.peek(context.paths, settings)
    kept = (
        settings.akosha_keep_last,
        settings.akosha_keep_daily,
        settings.akosha_keep_weekly,
        settings.akosha_keep_monthly,
    )
    return _Probes(
        opened,
        patience,
        object_headers(settings),
        f"systems/{system_id}/probe/doctor",
        prunes=any(kept),
    )


def _permissions(probes: _Probes) -> Iterator[Finding]:
    """Put first: where that is refused, the rest says nothing more."""
    bucket, key = probes.bucket, probes.key
    if _is_missing(probes):
        yield _listing(probes)
        return
    put = _try(
        probes,
        "put (s3:PutObject)",
        lambda: bucket.put(key, probes.content, probes.headers),
        "",
    )
    yield put
    if put.state != "ok":
        return
    yield _try(
        probes,
        "head (s3:GetObject)",
        lambda: _look(probes),
        "what is stored is not checked, and nothing unchanged is left out",
    )
    yield _try(probes, "get (s3:GetObject)", lambda: _fetch(probes), "restore and verify")
    yield _listing(probes)
    yield from _multipart(probes)
    yield _deletion(probes)


def _is_missing(probes: _Probes) -> bool:
    """Asked before anything is put: SeaweedFS makes the bucket for a key that may do all."""
    probes.patience.renew()
    try:
        bounded(lambda: _list_one(probes), seconds=2 * STEP_SECONDS, what="the request")
    except AkoshaHookError as error:
        return getattr(error, "code", "") == "NoSuchBucket"
    return False


def _listing(probes: _Probes) -> Finding:
    return _try(
        probes, "list (s3:ListBucket)", lambda: _list_one(probes), "ls, restore latest, prune"
    )


def _list_one(probes: _Probes) -> None:
    prefix = probes.key.rpartition("/")[0] + "/"
    next(iter(probes.bucket.objects(prefix)), None)


def _multipart(probes: _Probes) -> Iterator[Finding]:
    """Begin an upload in parts, list them, give it up."""
    begun: list[str] = []
    bucket, key = probes.bucket, f"{probes.key}-parts"
    start = _try(
        probes,
        "multipart (s3:PutObject)",
        lambda: begun.append(bucket.create_multipart(key, probes.headers)),
        "",
    )
    yield start
    if start.state != "ok":
        return
    yield _try(
        probes,
        "list parts (s3:ListMultipartUploadParts)",
        lambda: bucket.list_parts(key, begun[0]),
        "checking the parts before an upload is continued",
    )
    yield _try(
        probes,
        "abort (s3:AbortMultipartUpload)",
        lambda: bucket.abort_multipart(key, begun[0]),
        "removing parts of abandoned uploads, which cost money: let a lifecycle rule do it",
    )


def _deletion(probes: _Probes) -> Finding:
    found = _try(
        probes,
        "delete (s3:DeleteObject)",
        lambda: probes.bucket.delete(probes.key),
        "prune",
    )
    if found.state == "warning" and not probes.prunes:
        detail = f"refused, and not needed: nothing is pruned. {probes.key} stays in the bucket"
        return Finding(AREA, found.name, "ok", detail)
    return found


def _look(probes: _Probes) -> None:
    head = probes.bucket.head(probes.key)
    if head is None or head.size != len(probes.content):
        raise DeliveryError(
            "What was just stored is not there, or has another size.",
            hint="ask the provider: it is not consistent",
            code="NotThere",
        )


def _fetch(probes: _Probes) -> None:
    if probes.bucket.get(probes.key, limit=2 * len(probes.content)) != probes.content:
        raise DeliveryError(
            "What comes back is not what was stored.",
            hint="a proxy in between changes the data; check the proxy",
            code="Changed",
        )


def _try(probes: _Probes, name: str, request: Callable[[], object], without: str) -> Finding:
    """One probe; `without` says what does not work where it is refused, "" means nothing does."""
    probes.patience.renew()
    try:
        bounded(request, seconds=2 * STEP_SECONDS, what="the request")
    except AkoshaHookError as error:
        denied = getattr(error, "code", "") in DENIED
        if denied and without:
            permission = name.partition("(")[2].rstrip(")")
            detail = f"refused; without it does not work: {without}"
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
            _fix(error) or "akosha-hook logs shows more",
            ExitCode.CREDENTIALS if denied else error.exit_code,
        )
    return Finding(AREA, name, "ok", "works")


def _fix(error: AkoshaHookError) -> str:
    """The error's hint without its advice to run what is running."""
    return re.sub(r"[;,]? *akosha-hook doctor [^.;]*[.;]?", "", error.hint).strip()
