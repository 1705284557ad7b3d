"""The user guide's "Security Best Practices", one by one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.errors import AkoshaHookError
from akosha_hook.settings.derived import cloud_configured
from akosha_hook.state.receipts import Receipts
from akosha_hook.util.net import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from akosha_hook.context import Context

AREA = "Security"
SECONDS = 4.0
IN_REPOSITORY = (".akosha-hook.toml", "pyproject.toml", ".env", ".claude/settings.json")
OK_STATUS = 200


def findings(context: Context, directory: Path) -> Iterator[Finding]:
    """No keys in files, HTTPS, encryption at rest, and no access for strangers."""
    yield from _secrets(context, directory)
    if context.loaded.unsafe or not cloud_configured(context.loaded.settings):
        return
    yield _transport(context)
    yield _encryption(context)
    yield from _strangers(context)


def _secrets(context: Context, directory: Path) -> Iterator[Finding]:
    from akosha_hook.settings.checks import check_secrets

    paths = context.paths
    candidates: list[Path] = [*reversed(paths.settings_files)]
    candidates += [directory / name for name in IN_REPOSITORY]
    secrets = check_secrets(each for each in candidates if each.is_file())
    for each in secrets:
        yield Finding(
            AREA,
            "keys in files",
            "problem",
            each.message,
            "remove it from the file, and replace it with a new one",
        )
    if not secrets:
        yield Finding(AREA, "keys in files", "ok", "none in the settings or in this directory")


def _transport(context: Context) -> Finding:
    endpoint = context.loaded.settings.akosha_cloud_endpoint
    url = urlsplit(endpoint)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        detail = f"{endpoint}: memories travel unencrypted"
        fix = f"akosha-hook config set akosha_cloud_endpoint https://{url.netloc}"
        return Finding(AREA, "HTTPS", "warning", detail, fix)
    where = (
        "not needed on this machine" if url.scheme == "http" else "used, certificates are verified"
    )
    return Finding(AREA, "HTTPS", "ok", where)


def _encryption(context: Context) -> Finding:
    settings = context.loaded.settings
    if settings.akosha_sse:
        return Finding(AREA, "encryption at rest", "ok", f"{settings.akosha_sse} is requested")
    from akosha_hook.stores.providers import provider_for

    try:
        name = provider_for(settings).name
    except AkoshaHookError:
        name = "the server"
    local = is_loopback(urlsplit(settings.akosha_cloud_endpoint).hostname or "")
    if name == "S3-compatible server" and not local:
        detail = "not requested; whether this server encrypts by itself is unknown"
        fix = "akosha-hook config set akosha_sse AES256"
        return Finding(AREA, "encryption at rest", "warning", detail, fix)
    detail = "not requested" if local else f"{name} encrypts by itself"
    return Finding(AREA, "encryption at rest", "ok", detail)


def _strangers(context: Context) -> Iterator[Finding]:
    """Request the listing and one of our objects without keys: both must be refused."""
    name = context.loaded.settings.akosha_cloud_bucket
    requests = {f"list {name}": "?list-type=2&max-keys=1"}
    if key := _newest_key(context):
        requests[f"read what is stored in {name}"] = quote(key)
    status = 0
    for what, path in requests.items():
        try:
            status = bounded(partial(_ask, context, path), seconds=2 * SECONDS, what="the request")
        except Exception:  # noqa: BLE001 - another check reports that the server is unreachable
            return
        if status == OK_STATUS:
            detail = f"anyone can {what} without keys"
            fix = "block public access to the bucket"
            yield Finding(AREA, "strangers", "problem", detail, fix)
            return
    yield Finding(AREA, "strangers", "ok", f"a request without keys is refused (HTTP {status})")


def _newest_key(context: Context) -> str:
    """The key of an object that the last upload stored in the bucket; "" if there is none."""
    bucket = context.loaded.settings.akosha_cloud_bucket
    for each in Receipts(context.paths).newest_first():
        if each.success and each.method == "cloud" and each.destination.bucket == bucket:
            return next((file.key for file in each.files if file.key), "")
    return ""


def _ask(context: Context, path: str) -> int:
    """The HTTP status of an unsigned request for `path` in the bucket."""
    from akosha_hook.stores.providers import provider_for
    from akosha_hook.util.http import pool

    settings = context.loaded.settings
    provider = provider_for(settings)
    opened = pool(
        settings.akosha_ca_file,
        context.environ,
        url=provider.url,
        size=1,
        connect_seconds=SECONDS,
        read_seconds=SECONDS,
    )
    base = f"{provider.url}/{settings.akosha_cloud_bucket}"
    if provider.virtual_style:
        scheme = "https" if provider.secure else "http"
        base = f"{scheme}://{settings.akosha_cloud_bucket}.{provider.host}"
    url = (
        f"{base}{path}" if path.startswith("?") and not provider.virtual_style else f"{base}/{path}"
    )
    response = opened.request("GET", url, redirect=False, preload_content=False)
    response.close()
    return int(response.status)
