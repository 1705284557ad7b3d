"""Keys of the machine or container that this runs on; only with `akosha_use_instance_role`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from akosha_hook.errors import CredentialsError, DeadlinePassedError, Kind
from akosha_hook.stores.credentials.process import in_utc
from akosha_hook.stores.credentials.result import Credentials, NotFound
from akosha_hook.util.retry import Deadline
from akosha_hook.util.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    import urllib3

    from akosha_hook.settings.fields import Settings

CONNECT_SECONDS = 1.0
READ_SECONDS = 3.0
# For all requests together: an instance's role takes three.
SECONDS = 10.0
MAX_ANSWER_BYTES = 64 * 1024

_METADATA_ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
_WEB_IDENTITY = "AWS_WEB_IDENTITY_TOKEN_FILE"
_CONTAINER = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
# What minio's provider reads from the process itself.
_READ_BY_PROVIDER = (
    *_CONTAINER,
    _WEB_IDENTITY,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
)


def from_role(settings: Settings, environ: Mapping[str, str]) -> Credentials | NotFound:
    """Keys of the web identity, container or instance role; no connection is made without opt-in."""
    if not settings.akosha_use_instance_role:
        return NotFound("an instance or container role", "akosha_use_instance_role is off")
    _refuse_untrusted(environ)
    keys = _retrieve(settings, environ)
    if keys is None:
        raise CredentialsError(
            "akosha_use_instance_role is on, but no metadata service gave any keys.",
            hint="akosha-hook config set akosha_use_instance_role false, unless this machine or "
            "container has a role.",
        )
    return Credentials(
        Secret(keys.access_key),
        Secret(keys.secret_key),
        Secret(keys.session_token) if keys.session_token else None,
        _source(environ),
        expires_at=in_utc(keys.expiration),
    )


def _refuse_untrusted(environ: Mapping[str, str]) -> None:
    """The provider reads the process's environment, which must agree with the trusted one."""
    differing = [name for name in _READ_BY_PROVIDER if os.environ.get(name) != environ.get(name)]
    if differing:
        raise CredentialsError(
            f"The role is not asked for: {differing[0]} does not come from the user's environment.",
            hint=f"Remove {differing[0]} from the project's settings.",
        )


def _retrieve(settings: Settings, environ: Mapping[str, str]) -> Any:
    """None on any failure but slowness: the errors' texts may hold a web identity token."""
    import urllib3
    from minio.credentials.providers import IamAwsProvider

    from akosha_hook.stores.s3.bounded import BoundedHttp
    from akosha_hook.stores.s3.failures import NotS3Error, TooLongError, UnsafeDocumentError
    from akosha_hook.util.http import server_of

    named = any(environ.get(name) for name in (_WEB_IDENTITY, *_CONTAINER))
    endpoint = None if named else environ.get(_METADATA_ENDPOINT, "").rstrip("/") or None
    deadline = Deadline(SECONDS)
    late = ""
    try:
        http: Any = BoundedHttp(
            _pool(settings, environ, deadline), deadline, None, max_document=MAX_ANSWER_BYTES
        )
        return IamAwsProvider(custom_endpoint=endpoint, http_client=http).retrieve()
    except DeadlinePassedError:
        late = server_of(_url(environ))
    except (
        NotS3Error,
        TooLongError,
        UnsafeDocumentError,
        urllib3.exceptions.HTTPError,
        ET.ParseError,
        RecursionError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ):
        return None
    # Not in the clause above: the error in its context may hold a token.
    raise CredentialsError(
        f"The metadata service at {late} did not give any keys within {SECONDS:g} s.",
        hint="akosha-hook config set akosha_use_instance_role false, unless this machine or "
        "container has a role.",
        kind=Kind.TIMED_OUT,
    )


def _pool(
    settings: Settings, environ: Mapping[str, str], deadline: Deadline
) -> urllib3.PoolManager:
    """Metadata is on this machine or its host, never behind a proxy; web identity may be."""
    from akosha_hook.util.http import pool

    proxied = environ if environ.get(_WEB_IDENTITY) else _without_proxies(environ)
    return pool(
        settings.akosha_ca_file,
        proxied,
        url=_url(environ),
        connect_seconds=CONNECT_SECONDS,
        read_seconds=READ_SECONDS,
        size=1,
        deadline=lambda: deadline,
    )


def _url(environ: Mapping[str, str]) -> str:
    """Where minio's provider asks."""
    if environ.get(_WEB_IDENTITY):
        return "https://sts.amazonaws.com"
    if environ.get(_CONTAINER[0]):
        return "http://169.254.170.2"
    return environ.get(_CONTAINER[1]) or environ.get(_METADATA_ENDPOINT) or "http://169.254.169.254"


def _without_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.lower().endswith("_proxy")}


def _source(environ: Mapping[str, str]) -> str:
    if environ.get(_WEB_IDENTITY):
        return "web identity role"
    return "container role" if any(environ.get(name) for name in _CONTAINER) else "instance role"
