"""The one way to a server: a urllib3 pool with our timeouts, certificates, proxies, no hidden retries."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3

from akosha_hook.errors import SettingsError
from akosha_hook.util.connections import bind
from akosha_hook.util.proxies import proxy_for
from akosha_hook.util.retry import Deadline
from akosha_hook.util.sockets import DeadlineContext, Limit
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from akosha_hook.util.connections import Guard

_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def pool(
    ca_file: str,
    environ: Mapping[str, str],
    *,
    url: str,
    connect_seconds: float = 10,
    read_seconds: float = 60,
    size: int = 8,
    deadline: Callable[[], Deadline] | None = None,
    guard: Guard | None = None,
) -> urllib3.PoolManager:
    """A pool for the server at `url`; `size` connections are kept open.

    `ca_file` is the extra CA bundle of `akosha_ca_file`, "" for none. Whatever a server does, no
    request outlives `deadline`, which raises DeadlinePassedError; without one, everything has to be
    done within the two timeouts from now. `guard` decides which addresses may be connected to.

    Certificates and host names are always verified. Nothing is retried and no redirect is
    followed: both would hide the server's answer, and a redirect could lead anywhere. Raises
    SettingsError for a CA file or a proxy that cannot be used.
    """
    timeout = urllib3.Timeout(connect=connect_seconds, read=read_seconds)
    proxy = proxy_for(url, environ)
    limit = Limit(deadline or _fixed(connect_seconds + read_seconds), server_of(url))
    encrypted = url.startswith("https:") or (proxy is not None and proxy.url.startswith("https:"))
    # Reading the authorities takes longer than a request to this machine.
    context = tls_context(ca_file, environ) if encrypted else None
    if context is not None:
        context.limit = limit
    options: dict[str, Any] = {
        "timeout": timeout,
        "maxsize": size,
        "retries": False,
        "ssl_context": context,
    }
    if proxy is None:
        manager = urllib3.PoolManager(**options)
    else:
        headers = (
            urllib3.make_headers(proxy_basic_auth=proxy.userinfo.reveal())
            if proxy.userinfo
            else None
        )
        manager = urllib3.ProxyManager(
            proxy.url, proxy_headers=headers, proxy_ssl_context=context, **options
        )
    bind(manager, limit, guard)
    return manager


def _fixed(seconds: float) -> Callable[[], Deadline]:
    deadline = Deadline(seconds)
    return lambda: deadline


def server_of(url: str) -> str:
    """`host:port`, for messages."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def tls_context(ca_file: str, environ: Mapping[str, str]) -> DeadlineContext:
    """TLS 1.2 or newer, verifying against the usual authorities and those in `ca_file`.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the usual ones. They are read from `environ`, not
    from the process, whose environment may hold variables of a project.
    """
    context = DeadlineContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    file, directory = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        _refuse_relative(name, environ.get(name) or "")
    if file:
        _load_file(context, Path(file), "the environment variable SSL_CERT_FILE")
    if directory:
        _load_directory(context, directory)
    if not file and not directory:
        _load_usual(context)
    if ca_file:
        _load_file(context, _expand(ca_file, environ), "akosha_ca_file")
    return context


def _refuse_relative(name: str, value: str) -> None:
    for each in value.split(os.pathsep) if name == "SSL_CERT_DIR" else [value]:
        if each and not Path(each).is_absolute():
            raise SettingsError(
                f"{name} names {one_line(each)}, which is another file in each directory.",
                hint=f"Set {name} to a full path, or unset it.",
            )


def _load_usual(context: ssl.SSLContext) -> None:
    """The system's authorities, or certifi's where Python's OpenSSL knows of none."""
    usual = ssl.get_default_verify_paths()
    file, directory = Path(usual.openssl_cafile), Path(usual.openssl_capath)
    has_file, has_directory = file.is_file(), _is_hashed(directory)
    if has_file:
        context.load_verify_locations(cafile=file)
    if has_directory:
        context.load_verify_locations(capath=directory)
    if not has_file and not has_directory:
        import certifi

        context.load_verify_locations(cafile=certifi.where())


def _is_hashed(directory: Path) -> bool:
    """Whether OpenSSL can look certificates up in `directory`; other names it ignores."""
    try:
        return any(_HASHED_NAME.fullmatch(each.name) for each in directory.iterdir())
    except OSError:
        return False


def _load_file(context: ssl.SSLContext, path: Path, origin: str) -> None:
    hint = f"Point {origin} at a file of PEM certificates, or unset it."
    if not path.is_file():
        raise SettingsError(f"There is no CA file {path} (named by {origin}).", hint=hint)
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        problem = "has no PEM certificate in it, or a damaged one"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    else:
        return
    raise SettingsError(f"The CA file {path} (named by {origin}) {problem}.", hint=hint)


def _load_directory(context: ssl.SSLContext, directories: str) -> None:
    existing = [each for each in directories.split(os.pathsep) if each and Path(each).is_dir()]
    if not existing:
        raise SettingsError(
            f"There is no directory {directories} (named by the environment variable SSL_CERT_DIR).",
            hint="Point SSL_CERT_DIR at a directory of hashed certificates, or unset it.",
        )
    for each in existing:
        context.load_verify_locations(capath=each)


def _expand(path: str, environ: Mapping[str, str]) -> Path:
    if path.startswith("~/") and environ.get("HOME"):
        return Path(environ["HOME"]) / path[2:]
    return Path(path).expanduser()
