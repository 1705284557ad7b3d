"""Settings as they are shown: on one line, escaped, shortened, without credentials."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from akosha_hook.util.text import ONE_LINE, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "akosha_"
CREDENTIALS_BELONG = (
    "credentials are never read from settings: export AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY (AKOSHA_TOKEN for the Akosha server), or keep them in ~/.aws/credentials"
)

_CREDENTIAL_NAME = re.compile(
    r"secret|passw|passphrase|token|credential|bearer|(access|api|private|account|application)_?key"
    r"|(^|_)(key|key_?id|pwd|auth)$"
)
_CREDENTIAL_VALUE = (
    (re.compile(r"//[^/\s]*@"), "//***@"),
    (re.compile(r"(://[^\s?]*\?)\S+"), r"\1***"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"), "***"),
)


def is_credential_name(name: str) -> bool:
    """Whether a name that is not a field of ours looks like that of a key, token or password."""
    return bool(_CREDENTIAL_NAME.search(name[:200].lower()))


def shown(value: object) -> str:
    """A setting's value in a message."""
    return one_line(_plain(value))


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value[: 2 * ONE_LINE]
        for pattern, replacement in _CREDENTIAL_VALUE:
            text = pattern.sub(replacement, text)
        return f'"{text}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_plain(each) for each in value[:10]) + "]"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, int) and value.bit_length() > 200:  # noqa: PLR2004 - str() is quadratic
        return "a huge number"
    return str(value)


def similar(name: str, known: Iterable[str]) -> str | None:
    """The known field that `name` was probably meant to be; the common prefix does not count."""
    bare = {each.removeprefix(PREFIX): each for each in known}
    close = difflib.get_close_matches(
        name[:100].lower().removeprefix(PREFIX), list(bare), n=1, cutoff=0.7
    )
    return bare[close[0]] if close else None
