"""Changing one key of a TOML file and nothing else in it: comments and order are kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from akosha_hook.errors import SettingsError
from akosha_hook.settings.document import UnreadableError, place, read_text
from akosha_hook.settings.toml_file import parse_toml
from akosha_hook.util import files, temporary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_VALUE_LINES = 200


def set_key(path: Path, name: str, value: object) -> None:
    """Write `name = value` into the top level of the TOML file `path`, which may not exist yet.

    A line that sets it is replaced, its comment kept. The result must parse to what was there and
    the new value; otherwise nothing is written. Raises SettingsError.
    """
    target = path.resolve()
    text, document = _current(target)
    expected = document | {name: value}
    for changed in _changes(text, document, name, value):
        if _parsed(target, changed) == expected:
            _write(target, changed)
            return
    raise SettingsError(
        f"{place(path)}: {name} cannot be changed without touching the lines around it; "
        "nothing was written.",
        hint=f"write the line yourself: {rendered(name, value)}",
    )


def rendered(name: str, value: object) -> str:
    """`name = value` as TOML, without a line end."""
    import tomli_w

    return tomli_w.dumps({name: value}).rstrip("\n")


def _current(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = read_text(path) or ""
        return text, parse_toml(path, text)
    except UnreadableError as error:
        raise SettingsError(
            f"{error}; nothing was written.", hint="correct the file, or move it away"
        ) from error


def _parsed(path: Path, text: str) -> dict[str, Any] | None:
    try:
        return parse_toml(path, text)
    except UnreadableError:
        return None


def _changes(text: str, document: dict[str, Any], name: str, value: object) -> Iterator[str]:
    """Texts that may set `name`, best first."""
    newline = "\r\n" if "\r\n" in text else "\n"
    line = rendered(name, value).replace("\n", newline)
    lines = text.split("\n")
    if name in document:
        yield from _replacements(lines, document, name, line)
    else:
        yield from _additions(lines, name, line + newline)


def _replacements(
    lines: list[str], document: dict[str, Any], name: str, line: str
) -> Iterator[str]:
    key = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=")
    for start in (number for number, each in enumerate(lines) if key.match(each)):
        for end in range(start + 1, min(start + MAX_VALUE_LINES, len(lines)) + 1):
            comment = _comment("\n".join(lines[start:end]), {name: document[name]})
            if comment is not None:
                yield "\n".join([*lines[:start], line + comment, *lines[end:]])
                break


def _comment(statement: str, expected: dict[str, Any]) -> str | None:
    """What follows the value in `statement`; None unless that is one complete statement."""
    import tomllib

    for cut in [*(match.start() for match in re.finditer(r"\s*#", statement)), len(statement)]:
        try:
            if tomllib.loads(statement[:cut].rstrip("\r")) == expected:
                return statement[cut:] or ("\r" if statement.endswith("\r") else "")
        except tomllib.TOMLDecodeError:
            continue
    return None


def _additions(lines: list[str], name: str, line: str) -> Iterator[str]:
    """After the template's commented line for `name`, before the first table, or at the end."""
    template = re.compile(rf"#\s*{re.escape(name)}\s*=")
    table = re.compile(r"\s*\[")
    for number, each in enumerate(lines):
        if template.match(each):
            yield "\n".join([*lines[: number + 1], line + "\n".join(lines[number + 1 :])])
    text = "\n".join(lines)
    yield text + ("" if not text or text.endswith("\n") else "\n") + line
    for number, each in enumerate(lines):
        if table.match(each):
            yield "\n".join([*lines[:number], line + "\n".join(lines[number:])])


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=files.DIRECTORY_MODE)
        mode = path.stat().st_mode & 0o777 if path.exists() else files.FILE_MODE
        temporary.remove_abandoned(path.parent, path.name)
        files.write_atomic(path, text.encode(), mode=mode)
    except OSError as error:
        raise SettingsError(f"{place(path)}: cannot be written: {error.strerror}") from error
