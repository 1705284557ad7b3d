"""Where keys come from: sources are asked in one order, named in messages, and never quoted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from akosha_hook.errors import CredentialsError
from akosha_hook.stores.credentials.environment import from_aws_variables, from_minio_variables
from akosha_hook.stores.credentials.result import Credentials, CredentialsWarning, NotFound
from akosha_hook.util import log
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from akosha_hook.settings.fields import Settings
    from akosha_hook.util.secret import Secret

__all__ = ["Credentials", "CredentialsWarning", "resolve"]

logger = logging.getLogger(__name__)


def resolve(settings: Settings, environ: Mapping[str, str], *, home: Path) -> Credentials:
    """The keys for the configured endpoint.

    `akosha_aws_profile`, when set, is the only source. Otherwise, in this order: AWS's and
    MinIO's variables in the environment, the shared AWS files with `credential_process`, mc's
    aliases, and the instance role where it is opted in. Raises CredentialsError: it lists the
    places that were searched, or says what is wrong with the first that has something.
    """
    searched: list[NotFound] = []
    for result in _sources(settings, environ, home):
        if isinstance(result, NotFound):
            searched.append(result)
            continue
        log.protect(*_secrets(result))
        _check(result)
        logger.info("Credentials: %s", result.source)
        for warning in result.warnings:
            logger.warning("%s", warning)
        return result
    places = printable("; ".join(map(str, searched)), keep="")
    raise CredentialsError(
        f"No credentials were found. Looked for: {places}.", hint=_hint(settings), lines=True
    )


def _sources(
    settings: Settings, environ: Mapping[str, str], home: Path
) -> Iterator[Credentials | NotFound]:
    """One source after the other; later ones are not even imported once keys were found."""
    if not settings.akosha_aws_profile:
        yield from_aws_variables(environ)
        yield from_minio_variables(environ)
    from akosha_hook.stores.credentials.profile import from_profile

    yield from_profile(settings, environ, home=home)
    from akosha_hook.stores.credentials.mc import from_mc

    yield from_mc(settings, environ, home=home)
    from akosha_hook.stores.credentials.role import from_role

    yield from_role(settings, environ)


def _secrets(keys: Credentials) -> list[Secret]:
    return [each for each in (keys.access_key, keys.secret_key, keys.session_token) if each]


def _check(keys: Credentials) -> None:
    """Refuse what cannot be a key: sent in a header, it would come back in an exception's text."""
    problem = ""
    for secret in _secrets(keys):
        value = secret.reveal()
        if value[:1] in "\"'" or value[-1:] in "\"'":
            problem = "with quotes around it: remove them"
        elif not value.isascii() or not value.isprintable() or " " in value:
            problem = "with a character in it that no key has"
        elif value.lower().startswith(("your-", "<your", "change-me")):
            problem = "that is still the example from the documentation"
    if problem:
        raise CredentialsError(
            f"{keys.source}: there is a key {problem}.", hint="Correct it there."
        )


def _hint(settings: Settings) -> str:
    kind = (
        "r2-"
        if settings.akosha_cloud_endpoint.rstrip("/").endswith(".r2.cloudflarestorage.com")
        else ""
    )
    return (
        "Put the keys where hooks find them too, into ~/.aws/credentials (chmod 600):\n"
        "[default]\n"
        f"aws_access_key_id = your-{kind}access-key\n"
        f"aws_secret_access_key = your-{kind}secret-key\n"
        "or, for this shell only (hooks started by a desktop program do not see it):\n"
        f'export AWS_ACCESS_KEY_ID="your-{kind}access-key"\n'
        f'export AWS_SECRET_ACCESS_KEY="your-{kind}secret-key"'
    )
