"""Is there an Akosha server, which version, and can it store memories?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.akosha.client import documents, failures, tools
from akosha_hook.akosha.client.session import MAX_VERSION, Session
from akosha_hook.akosha.client.transport import Transport, base_of
from akosha_hook.errors import AkoshaHookError, CredentialsError, Kind
from akosha_hook.settings import Layer
from akosha_hook.settings.fields import Settings
from akosha_hook.util import log
from akosha_hook.util.retry import Deadline, RetryPolicy
from akosha_hook.util.secret import Secret
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.settings import Loaded

PROBE_SECONDS = 10.0
PROBES = ("/health", "/status")
DEFAULT_URL = Settings().akosha_http_url
_OK, _UNAVAILABLE = 200, 503
# Newer servers say so when one of their feeds is stale; they take memories all the same.
_DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a probe learned. `tools_ok` is None where it could not be determined.

    `message` is one line for the user and `hint` what to type next; both are empty where all is
    well.
    """

    url: str
    reachable: bool
    version: str = ""
    tools_ok: bool | None = None
    message: str = ""
    hint: str = ""


class _Health(msgspec.Struct):
    version: str = ""
    status: str = ""


def connect(
    settings: Settings, environ: Mapping[str, str], deadline: Deadline, *, url_is_set: bool = False
) -> Transport:
    """A transport to the server of the settings, with the token of the environment.

    The token goes only to a URL that somebody set, be it the default one (`url_is_set`): at the
    default one anybody may listen. Raises CredentialsError for a token that cannot be sent,
    SettingsError for a CA file or a proxy that cannot be used.
    """
    from akosha_hook.akosha.client.loopback import guard
    from akosha_hook.util.http import pool

    url = base_of(settings.akosha_http_url)
    token = token_of(environ)
    if token is not None:
        log.protect(token)
    withheld = token is not None and not url_is_set and settings.akosha_http_url == DEFAULT_URL
    http = pool(
        settings.akosha_ca_file,
        environ,
        url=url,
        size=1,
        deadline=lambda: transport.deadline,
        guard=guard,
    )
    transport = Transport(url, http, None if withheld else token, deadline, withheld)
    return transport


def url_is_set(loaded: Loaded) -> bool:
    """Whether a layer of the settings names the server, and it is not the default."""
    origin = loaded.origins.get("akosha_http_url")
    return origin is not None and origin.layer is not Layer.DEFAULT


def token_of(environ: Mapping[str, str]) -> Secret | None:
    """The bearer token; it is read from the environment only.

    Raises CredentialsError where it has characters that a header cannot carry.
    """
    token = environ.get(failures.TOKEN, "").strip()
    if not token:
        return None
    if not token.isascii() or not token.isprintable() or " " in token:
        raise CredentialsError(
            f"{failures.TOKEN} contains characters that are not allowed in a token.",
            hint=f"export {failures.TOKEN}=...",
        )
    return Secret(token)


def ask_health(transport: Transport) -> str | None:
    """The version that the server's health page names; empty where the page names none.

    None where there is no such page, or it reports another problem: such a server may still work,
    and only `/mcp` can tell. Raises DeliveryError where nothing answers, or another program does,
    or the page says 503 and not that the server is only degraded.
    """
    for path in PROBES:
        with transport.open("GET", path) as response:
            if response.status not in {_OK, _UNAVAILABLE}:
                continue
            body = response.body()
            is_page = response.media_type == "text/html" or body.lstrip()[:1] == b"<"
            if response.status == _OK and is_page:
                raise failures.web_page(transport.base)
            health = _health(body)
            if response.status == _UNAVAILABLE and health.status != _DEGRADED:
                raise failures.bad_status(
                    transport.base, response.status, "", with_token=transport.token is not None
                )
            return one_line(health.version, MAX_VERSION)
    return None


def _health(body: bytes) -> _Health:
    try:
        return documents.decode(body, _Health)
    except documents.BadDocumentError:
        return _Health()


def probe(
    settings: Settings, environ: Mapping[str, str] | None = None, *, url_is_set: bool = False
) -> ServerState:
    """Ask the server once, without retries. What goes wrong is in the result; never raises."""
    url = base_of(settings.akosha_http_url)
    try:
        transport = connect(
            settings,
            os.environ if environ is None else environ,
            Deadline(PROBE_SECONDS),
            url_is_set=url_is_set,
        )
        version = ask_health(transport)
    except AkoshaHookError as error:
        return ServerState(url, reachable=False, message=error.message, hint=error.hint)
    session = Session(transport, RetryPolicy(0, 0.0, transport.deadline))
    tools_ok: bool | None = None
    message = hint = ""
    try:
        tools.find(session, url)
        tools_ok = True
    except AkoshaHookError as error:
        if error.kind is Kind.UNSUPPORTED:
            tools_ok = False
        message, hint = error.message, error.hint
        # Any MCP answer counts, and so does a demand for a token. Other programs' answers do not.
        answered = session.is_open or isinstance(error, CredentialsError)
    else:
        answered = True
    finally:
        session.close()
    return ServerState(
        url,
        reachable=answered or version is not None,
        version=version or session.server_version,
        tools_ok=tools_ok,
        message=message,
        hint=hint,
    )
