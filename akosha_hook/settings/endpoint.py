"""The grammar of servers and regions: URLs, host names, and what `akosha_cloud_endpoint` names."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from akosha_hook.errors import SettingsError
from akosha_hook.util.net import is_ip

if TYPE_CHECKING:
    from akosha_hook.settings.fields import Settings

AWS_ENDPOINT = "https://s3.amazonaws.com"

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?\.?", re.IGNORECASE | re.ASCII)
_REGION = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII)
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
        return is_ip(self.host)

    @property
    def is_aws(self) -> bool:
        return _AWS_HOST.fullmatch(self.host) is not None


class UrlPart(Enum):
    """What is wrong with a URL."""

    SYNTAX = "syntax"
    SCHEME_OR_HOST = "scheme or host"
    USERINFO = "user information"
    QUERY = "query or fragment"
    HOST_NAME = "host name"


class InvalidURLError(Exception):
    """A URL that names no server; `part` is what is wrong with it."""

    def __init__(self, part: UrlPart) -> None:
        super().__init__(part.value)
        self.part = part


def split_url(url: str) -> SplitResult:
    """The parts of an http or https URL of a server, its host checked; raises InvalidURLError.

    Credentials, a query and a fragment are refused; whether a path is allowed, the caller decides.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidURLError(UrlPart.SYNTAX) from error
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise InvalidURLError(UrlPart.SCHEME_OR_HOST)
    if "@" in parts.netloc:
        raise InvalidURLError(UrlPart.USERINFO)
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise InvalidURLError(UrlPart.QUERY)
    if not _normal_host(host):
        raise InvalidURLError(UrlPart.HOST_NAME)
    return parts


def is_region(text: str) -> bool:
    """Whether a region may have this name."""
    return _REGION.fullmatch(text) is not None


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
        parts = split_url(url)
    except InvalidURLError:
        return None
    if parts.path not in {"", "/"}:
        return None
    secure = parts.scheme == "https"
    return Endpoint(
        _normal_host(parts.hostname or ""), parts.port or _DEFAULT_PORTS[secure], secure
    )


def _normal_host(host: str) -> str:
    """`host` in lower-case ASCII, international names as in DNS; "" if it cannot be a host."""
    if ":" in host:
        return str(ipaddress.IPv6Address(host)) if is_ip(host) else ""
    try:
        name = host.lower().encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return name.removesuffix(".") if _HOST.fullmatch(name) else ""
