"""What `akosha-check-settings` and `akosha-check-secrets` look for before a commit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.settings.document import UnreadableError, place, read_text
from akosha_hook.settings.fields import ENVIRONMENT_PREFIX
from akosha_hook.settings.spellings import CLOUD_SYNC
from akosha_hook.settings.table import table
from akosha_hook.settings.wording import CREDENTIALS_BELONG, PREFIX, is_credential_name
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# A name and its value, as YAML, TOML, JSON and shell write them.
_ASSIGNMENT = re.compile(
    r"""(?<![\w.-])(?P<name>[A-Za-z][\w.-]*)["']?\s*[:=]\s*
        (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"',\]}\[{][^\s"',\]}]*))""",
    re.VERBOSE,
)
_BLOCK_SCALAR = re.compile(r"^\s*-?\s*[\w.-]+\s*:\s*[|>][+-]?\d?\s*(?:#.*)?$")
_ACCESS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_PASSWORD_IN_URL = re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@\"']+:(?P<password>[^\s/@\"']+)@")
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
_STORAGE_NAME = re.compile(
    r"^(?:session_buddy_|akosha|aws_|minio_|mc_|s3_|r2_|b2_|cloudflare_)"
    r"|^(?:access|secret)_(?:access_)?key(?:_id)?$|^session_token$",
    re.IGNORECASE,
)
# Placeholders for secrets in documentation, MinIO's public default included.
_PLACEHOLDER = re.compile(
    r"^(?:|null|none|true|false|~|[*x.]+|minioadmin|redacted)$|your[-_ ]|<[^>]*>|^\$|\$[({]|\{\{|%\(|change[-_]?me|"
    r"example|placeholder|dummy|secret[-_]?key$|access[-_]?key$",
    re.IGNORECASE,
)
_PATH = re.compile(r"^(?:~?/|\.{1,2}/|[a-z]+://[^@]*$)")
# Names that lead to a secret but do not hold it, like `credential_process`.
_POINTER = re.compile(
    r"_(?:file|path|dir|helper|process|command|env|name|ur[il]|export|refresh|ttl)$"
)
MAX_LINE = 10_000
# A shorter value under a general name like `token` is more likely a word than a secret.
_SECRET_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to correct, on one line that names the file and line but never the secret."""

    message: str
    warning: bool = False


def check_settings(files: Iterable[Path], *, home: Path) -> tuple[Finding, ...]:
    """Values in `files` that cannot be used, and keys that look mistyped."""
    from akosha_hook.settings.validation import validate_file

    findings: list[Finding] = []
    for path in files:
        report = validate_file(path, home=home)
        findings += [Finding(message) for message in report.problems]
        findings += [Finding(message, warning=True) for message in report.warnings]
    return tuple(findings)


def check_secrets(files: Iterable[Path]) -> tuple[Finding, ...]:
    """Access keys, secrets, tokens and passwords written out in `files`, comments included."""
    findings: list[Finding] = []
    for path in files:
        try:
            text = read_text(path)
        except UnreadableError as error:
            findings.append(Finding(str(error)))
            continue
        findings += [
            Finding(f"{place(path, line)}: {what}; {CREDENTIALS_BELONG}")
            for line, what in _secrets(text or "")
        ]
    return tuple(findings)


def without_secrets(text: str) -> str:
    """`text` with every line that holds a credential blanked out."""
    return "".join(
        "(a line with a credential)\n" if _secret_in(line[:MAX_LINE]) else line
        for line in text.splitlines(keepends=True)
    )


def _secrets(text: str) -> Iterator[tuple[int, str]]:
    """Line numbers, and what is wrong there; one finding per line is enough."""
    lines = [line[:MAX_LINE] for line in text.splitlines()]
    for number, line in enumerate(lines, 1):
        whole = line
        if _BLOCK_SCALAR.match(line) and number < len(lines):
            whole = re.sub(r"[|>][+-]?\d?\s*(?:#.*)?$", lines[number].strip(), line)
        what = _secret_in(whole)
        if what:
            yield number, what


def _secret_in(line: str) -> str | None:
    for match in _ACCESS_KEY_ID.finditer(line):
        if not match.group().endswith("EXAMPLE"):
            return "an access key id"
    if _PRIVATE_KEY.search(line):
        return "a private key"
    for match in _PASSWORD_IN_URL.finditer(line):
        if not _PLACEHOLDER.search(match["password"]):
            return "a password in a URL"
    for match in _ASSIGNMENT.finditer(line):
        value = next(each for each in match.group("double", "single", "bare") if each is not None)
        if _is_secret(match["name"], value):
            return f"{one_line(match['name'])} looks like a credential"
    return None


def _is_secret(name: str, value: str) -> bool:
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[.-]", "_", name)
    if _is_setting(plain) or not is_credential_name(plain) or _POINTER.search(plain.lower()):
        return False
    if " " in value or _PLACEHOLDER.search(value):
        return False
    if _PATH.match(value) and not re.search(r"[A-Za-z0-9+/]{40}", value):
        return False
    if _STORAGE_NAME.match(plain):
        return True
    return len(value) >= _SECRET_LENGTH and bool(re.search(r"\d", value))


def _is_setting(name: str) -> bool:
    """Whether the last part of a name is that of a setting, in any spelling."""
    key = name.lower().removeprefix(ENVIRONMENT_PREFIX.lower())
    key = key.removeprefix(f"{CLOUD_SYNC}__")
    return key in table() or PREFIX + key in table()
