"""Profiles in the shared AWS files, in the order the AWS tools look: keys, then credential_process."""

from __future__ import annotations

import configparser
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.errors import CredentialsError
from akosha_hook.paths import aws_file
from akosha_hook.stores.credentials import config_file, process
from akosha_hook.stores.credentials.result import Credentials, NotFound
from akosha_hook.util.secret import Secret
from akosha_hook.util.text import with_tilde

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.settings.fields import Settings

# Settings that make AWS's tools fetch keys in ways that only they support.
_ELSEWHERE = ("role_arn", "sso_session", "sso_start_url", "web_identity_token_file")
_NAMES_LISTED = 10


@dataclass(frozen=True, slots=True)
class _Section:
    """A profile's settings in one of the two files; empty where it has none there."""

    path: Path
    name: str
    values: Mapping[str, Secret]

    def get(self, key: str) -> Secret | None:
        return self.values.get(key) or None


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str
    exists: bool
    profiles: Mapping[str, Mapping[str, Secret]]

    def section(self, profile: str) -> _Section:
        return _Section(self.path, self.name, self.profiles.get(profile, {}))


def from_profile(
    settings: Settings, environ: Mapping[str, str], *, home: Path
) -> Credentials | NotFound:
    """Keys of the profile that `akosha_aws_profile`, else `AWS_PROFILE`, else `default` names.

    Raises CredentialsError where `akosha_aws_profile` names one without keys: falling back to
    another account's would be worse.
    """
    profile = settings.akosha_aws_profile or environ.get("AWS_PROFILE") or "default"
    files = (
        _read(_file(environ, home, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), home),
        _read(_file(environ, home, "AWS_CONFIG_FILE", "config"), home, prefixed=True),
    )
    result = _look(profile, files, environ, home)
    if isinstance(result, NotFound) and settings.akosha_aws_profile:
        raise CredentialsError(
            f"akosha_aws_profile names a profile without keys: {result}.",
            hint=f"Add the keys under [{profile}] to {files[0].name}, or change akosha_aws_profile.",
        )
    return result


def _look(
    profile: str, files: tuple[_File, _File], environ: Mapping[str, str], home: Path
) -> Credentials | NotFound:
    credentials, config = (file.section(profile) for file in files)
    place = f"profile {profile} in {credentials.name} and {config.name}"
    if not credentials.values and not config.values:
        return NotFound(place, _nothing(files))
    foreign = [key for key in _ELSEWHERE if credentials.get(key) or config.get(key)]
    if foreign:
        return NotFound(
            place,
            f"it uses {foreign[0]}, which only AWS's own tools can follow: add a profile with "
            f"credential_process = aws configure export-credentials --profile {profile}",
        )
    static = _static(profile, credentials, home)
    if static is not None:
        return static
    for section in (config, credentials):
        command = section.get("credential_process")
        if command is not None:
            return _run(profile, section, command, environ, home)
    return _static(profile, config, home) or NotFound(place, "it has no keys")


def _static(profile: str, section: _Section, home: Path) -> Credentials | None:
    access, secret = section.get("aws_access_key_id"), section.get("aws_secret_access_key")
    if access is None and secret is None:
        return None
    if access is None or secret is None:
        missing = "aws_access_key_id" if access is None else "aws_secret_access_key"
        raise CredentialsError(
            f"Profile {profile} in {section.name} has no {missing}.",
            hint=f"Add {missing} under [{profile}] in {section.name}.",
        )
    token = section.get("aws_session_token") or section.get("aws_security_token")
    return Credentials(
        access,
        secret,
        token,
        f"profile {profile} in {section.name}",
        warnings=config_file.exposure(section.path, home),
    )


def _run(
    profile: str, section: _Section, command: Secret, environ: Mapping[str, str], home: Path
) -> Credentials:
    origin = f"credential_process of profile {profile} in {section.name}"
    if config_file.is_writable_by_anyone(section.path):
        raise CredentialsError(
            f"The {origin} is not run: anyone on this machine can change that file.",
            hint=f"chmod 600 {section.name}",
        )
    return process.run(command, origin, environ, home=home)


def _file(environ: Mapping[str, str], home: Path, variable: str, name: str) -> Path:
    path = aws_file(environ, home, variable, name)
    config_file.refuse_relative(path, variable)
    return path


def _nothing(files: tuple[_File, _File]) -> str:
    if not any(file.exists for file in files):
        return "no such files"
    names = sorted({name for file in files for name in file.profiles})[:_NAMES_LISTED]
    return f"there are only: {', '.join(names)}" if names else "no profiles there"


def _read(path: Path, home: Path, *, prefixed: bool = False) -> _File:
    name = with_tilde(path, home)
    content = config_file.read(path, home)
    if content is None:
        return _File(path, name, exists=False, profiles={})
    parser = _parse(content, name)
    profiles: dict[str, Mapping[str, Secret]] = {}
    for header in parser.sections():
        profile = _profile_name(header) if prefixed else header.strip()
        if profile:
            values = {key: Secret(value) for key, value in parser.items(header) if value}
            profiles[profile] = {**profiles.get(profile, {}), **values}
    return _File(path, name, exists=True, profiles=profiles)


def _line(error: configparser.Error) -> int:
    errors = getattr(error, "errors", None)
    return int(errors[0][0]) if errors else int(getattr(error, "lineno", None) or 1)


def _profile_name(header: str) -> str:
    """`default`, or the name after `profile` in the config file's headers; "" for other sections."""
    try:
        words = shlex.split(header)
    except ValueError:
        return ""
    if words == ["default"]:
        return "default"
    return words[1] if len(words) == 2 and words[0] == "profile" else ""  # noqa: PLR2004


def _parse(content: str, name: str) -> configparser.RawConfigParser:
    """Errors name the line only: configparser's own texts quote it, and it may hold a key."""
    # No section is special: a [DEFAULT] would otherwise spread into every profile.
    parser = configparser.RawConfigParser(default_section="")
    line = 0
    try:
        parser.read_string(content)
    except configparser.Error as error:
        line = _line(error)
    if line:
        raise CredentialsError(
            f"{name}, line {line}, cannot be understood.",
            hint=f"Correct {name}: a [profile], and below it lines like aws_access_key_id = ...",
        )
    return parser
