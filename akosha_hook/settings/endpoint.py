"""What `akosha_cloud_endpoint` says: which server, which port, TLS or not."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from akosha_hook.errors import SettingsError

if TYPE_CHECKING:
    from akosha_hook.settings.fields import Settings

AWS_ENDPOINT = "https://s3.amazonaws.com"

_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_DEFAULT_PORTS = {True: 443, False: 80}
_AWS_HOST = re.compile(r"(?!.*\.elb\.)(?:.+\.)?s3[.-](?:.+\.)?amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`host` is lower-case ASCII, without brackets; `port` is always a number."""

    host: str
    port: int
    secure: bool

    @property
    def netloc(self) -> str:
        """Host and port as they stand in a URL and a signature: no default port, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.secure] else f"{host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether `host` is an IP address, which no bucket name can be put in front of."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def is_aws(self) -> bool:
        return _AWS_HOST.fullmatch(self.host) is not None


def parse(url: str) -> Endpoint:
    """The server that `url` names; empty is AWS. Raises SettingsError."""
    endpoint = _parse(url.strip() or AWS_ENDPOINT)
    if endpoint is None:
        raise SettingsError(
            f"akosha_cloud_endpoint is {url!r}, which is not a URL of a server.",
            hint="Write it with its scheme and without a path, like "
            "https://s3.us-east-1.amazonaws.com or http://localhost:9000; replace what stands "
            "in <angle brackets>.",
        )
    return endpoint


def same_server(url: str, settings: Settings) -> bool:
    """Whether `url` names the configured endpoint's server; every S3 endpoint of AWS is one."""
    other, ours = _parse(url), _parse(settings.akosha_cloud_endpoint.strip() or AWS_ENDPOINT)
    if other is None or ours is None:
        return False
    return other == ours or (other.is_aws and ours.is_aws)


def _parse(url: str) -> Endpoint | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        return None
    if parts.path not in {"", "/"} or parts.query or parts.fragment or port == 0:
        return None
    ascii_host = _ascii(host)
    if ascii_host is None:
        return None
    secure = parts.scheme == "https"
    return Endpoint(ascii_host, port or _DEFAULT_PORTS[secure], secure)


def _ascii(host: str) -> str | None:
    try:
        return str(ipaddress.IPv6Address(host)) if ":" in host else _domain(host)
    except ValueError:
        return None


def _domain(host: str) -> str | None:
    """An international name as DNS knows it; UnicodeError is a ValueError."""
    name = host.lower().encode("idna").decode("ascii").removesuffix(".")
    return name if _HOST.fullmatch(name) else None
