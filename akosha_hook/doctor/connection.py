"""The connection to the bucket's server: proxy, host name, TLS and clock, without any key."""

from __future__ import annotations

import email.utils
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.errors import AkoshaHookError, ExitCode, SettingsError
from akosha_hook.stores.base import READ_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.stores.providers import Provider

AREA = "Bucket"
STEP_SECONDS = 8.0
CONNECT_SECONDS = 4.0
# S3 refuses requests more than 15 minutes off.
CLOCK_LIMIT_SECONDS, CLOCK_WARNING_SECONDS = 900.0, 60.0
NETWORK_FIX = (
    "check the network, and akosha_cloud_endpoint: akosha-hook config get akosha_cloud_endpoint"
)


def findings(context: Context, provider: Provider) -> Iterator[Finding]:
    """One finding for each step; the first problem ends it."""
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
            raise classify(error, what="connecting", subject=READ_FAILED) from error
        return response.headers.get("Date", "")

    try:
        date = bounded(request, seconds=2 * STEP_SECONDS, what="the request")
    except AkoshaHookError as error:
        yield Finding(
            AREA, "server", "problem", error.message, error.remedy or NETWORK_FIX, error.exit_code
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
