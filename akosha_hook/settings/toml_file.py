"""TOML settings: the user's own file, and a repository's."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from akosha_hook.settings.document import MAX_BYTES, Entry, read_text, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_LINE = 4096

_ERROR_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def read_toml(path: Path, *, follow: bool = True, limit: int = MAX_BYTES) -> dict[str, Any] | None:
    """The document in `path`; None where it is missing. Raises UnreadableError."""
    text = read_text(path, follow=follow, limit=limit)
    return None if text is None else parse_toml(path, text)


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """`text` as the document in `path`; raises UnreadableError.

    A key of very many parts costs tomllib quadratic time, so lines are bounded first.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise unreadable(path, f"has a line longer than {MAX_LINE} characters", number)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _ERROR_LINE.search(str(error))
        at = int(match[1]) if match and match[1] else None
        reason = _ERROR_LINE.sub("", str(error)) + ("" if at or not match else " at its end")
        raise unreadable(path, f"is not valid TOML: {reason}", at) from error
    except RecursionError as error:
        raise unreadable(path, "is nested too deeply for settings") from error
    except ValueError as error:
        # What Python's own numbers and dates raise; its wording differs between versions.
        reason = "holds a number or a date that cannot be read"
        raise unreadable(path, reason) from error


def key_lines(text: str, keys: Iterable[str]) -> dict[str, int]:
    """The line of each top-level key of TOML `text`, where one can be match."""
    wanted = frozenset(keys)
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r"\s*(?:\[+\s*)?[\"']?([A-Za-z0-9_-]+)[\"']?\s*[=.\]]", line)
        if match and match[1] in wanted:
            lines.setdefault(match[1], number)
    return lines


def toml_entries(path: Path) -> tuple[Entry, ...]:
    """The top-level keys of a user's TOML file with their lines. Raises UnreadableError."""
    text = read_text(path)
    if text is None:
        return ()
    document = parse_toml(path, text)
    lines = key_lines(text, document)
    return tuple(Entry(key, value, lines.get(key)) for key, value in document.items())
