"""The MinIO client's aliases: `MC_HOST_<alias>` in the environment, then its config file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from akosha_hook.errors import CredentialsError
from akosha_hook.paths import mc_config
from akosha_hook.settings.endpoint import same_server
from akosha_hook.stores.credentials import config_file
from akosha_hook.stores.credentials.process import as_secret
from akosha_hook.stores.credentials.result import Credentials, CredentialsWarning, NotFound
from akosha_hook.util.secret import Secret
from akosha_hook.util.text import with_tilde

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.settings.fields import Settings

_PREFIX = "MC_HOST_"
# Keys may hold / and +, which a URL parser would stumble over.
_WITH_KEYS = re.compile(r"(https?://)([^:@]+):([^:@]+)(?::([^@]+))?@([^@]+)")
_PLACEHOLDER = re.compile(r"YOUR-(ACCESS|SECRET)-KEY-HERE")


class _Alias(msgspec.Struct, frozen=True, rename="camel"):
    url: str
    access_key: Secret | None = None
    secret_key: Secret | None = None
    session_token: Secret | None = None


class _Config(msgspec.Struct, frozen=True):
    """`hosts` is what it was called until version 9."""

    aliases: dict[str, _Alias] = {}
    hosts: dict[str, _Alias] = {}


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    alias: _Alias
    source: str
    path: Path | None = None


def from_mc(
    settings: Settings, environ: Mapping[str, str], *, home: Path
) -> Credentials | NotFound:
    """Keys of the alias that `MINIO_ALIAS` names, else of the one for the endpoint's server."""
    path = mc_config(environ, home)
    config_file.refuse_relative(path, "MC_CONFIG_DIR")
    name = with_tilde(path, home)
    config = _read(path, home)
    candidates = [*_from_environment(environ), *_from_config(config or _Config(), path, name)]
    wanted = environ.get("MINIO_ALIAS", "")
    matching = [
        each
        for each in candidates
        if (each.name == wanted if wanted else same_server(each.alias.url, settings))
    ]
    if not matching:
        which = f"alias {wanted}" if wanted else "an alias for this endpoint"
        reason = "no such file" if config is None else "none there"
        return NotFound(f"{which} in {name}", reason)
    chosen, *others = matching
    assert chosen.alias.access_key is not None
    assert chosen.alias.secret_key is not None
    warnings = config_file.exposure(chosen.path, home) if chosen.path else ()
    if any(other.alias.access_key != chosen.alias.access_key for other in others):
        names = ", ".join(each.name for each in matching)
        message = f"mc aliases {names} fit this endpoint; the first is used"
        warnings += (CredentialsWarning(message, "set MINIO_ALIAS"),)
    return Credentials(
        chosen.alias.access_key,
        chosen.alias.secret_key,
        chosen.alias.session_token or None,
        chosen.source,
        warnings=warnings,
    )


def _from_environment(environ: Mapping[str, str]) -> list[_Candidate]:
    candidates = []
    for variable in sorted(environ):
        match = _WITH_KEYS.fullmatch(environ[variable]) if variable.startswith(_PREFIX) else None
        if match:
            scheme, access, secret, token, host = match.groups()
            alias = _Alias(
                scheme + host,
                Secret(unquote(access)),
                Secret(unquote(secret)),
                Secret(unquote(token)) if token else None,
            )
            candidates.append(
                _Candidate(variable.removeprefix(_PREFIX), alias, f"environment ({variable})")
            )
    return candidates


def _from_config(config: _Config, path: Path, file: str) -> list[_Candidate]:
    return [
        _Candidate(name, alias, f"alias {name} in {file}", path)
        for name, alias in {**config.hosts, **config.aliases}.items()
        if alias.access_key
        and alias.secret_key
        and not _PLACEHOLDER.fullmatch(alias.access_key.reveal())
    ]


def _read(path: Path, home: Path) -> _Config | None:
    content = config_file.read(path, home)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=_Config, dec_hook=as_secret)
    except msgspec.DecodeError:
        pass
    name = with_tilde(path, home)
    raise CredentialsError(
        f"{name} is not the JSON that mc writes.", hint=f"Correct {name}, or remove it."
    )
