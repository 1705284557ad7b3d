"""The proxy that the environment sets for a URL."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from akosha_hook.errors import SettingsError
from akosha_hook.util.net import is_loopback
from akosha_hook.util.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's URL without userinfo; `userinfo` is `user:password`, decoded."""

    url: str
    userinfo: Secret | None


def proxy_for(url: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for `url`, or None: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`.

    Lower-case names win; one that is set but empty means no proxy. This machine itself is never
    reached through a proxy. Raises SettingsError for a proxy that cannot be used; the message
    names the variable only, since its value may hold a password.
    """
    target = urlsplit(url)
    host = target.hostname or ""
    if is_loopback(host) or _bypassed(host, _port(target), _first(environ, "no_proxy")[1]):
        return None
    for name in (f"{target.scheme}_proxy", "all_proxy"):
        variable, value = _first(environ, name)
        if variable:
            return _parse(variable, value) if value else None
    return None


def _first(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    for variable in (name, name.upper()):
        if variable in environ:
            return variable, environ[variable].strip()
    return "", ""


def _port(target: SplitResult) -> int | None:
    return target.port or _DEFAULT_PORTS.get(target.scheme)


def _bypassed(host: str, port: int | None, no_proxy: str) -> bool:
    return any(
        _matches(entry.lower(), host.rstrip(".").lower(), port)
        for entry in no_proxy.replace(",", " ").split()
    )


def _matches(entry: str, host: str, port: int | None) -> bool:
    """`*`, a domain with everything below it, an address or a network, with or without a port."""
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, separator, wanted = entry.rpartition(":")
    if not separator:
        name = entry
    elif wanted != str(port):
        return False
    name = name.strip("[]").removeprefix("*").lstrip(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _parse(variable: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, SplitResult("", "", "", "", "")
    if not host or parts.scheme not in {"http", "https"}:
        raise SettingsError(
            f"The proxy in the environment variable {variable} cannot be used: it has to be "
            "http://HOST:PORT or https://HOST:PORT.",
            hint=f"Correct {variable}, or name the server in NO_PROXY.",
        )
    shown = f"[{host}]" if ":" in host else host
    url = f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
    if parts.username is None:
        return Proxy(url, None)
    return Proxy(url, Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}"))
