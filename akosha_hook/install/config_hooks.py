"""Hooks in git's configuration, which git 2.54 and later runs in addition to those in files.

See `hook.<name>.command` and `hook.<name>.event` in git-config(1): the command goes to a shell,
with git's own arguments behind it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from akosha_hook.install import git, wrapper
from akosha_hook.install.plan import Change, Content, read, target, writable
from akosha_hook.install.shell import quoted

PART = "git-config"
SINCE = (2, 54)


def section(event: str) -> str:
    """The section that reports `event`."""
    return f"hook.akosha-hook-{event}"


def change(named: Path, script: Path, place: str, repository: Path | None) -> Change:
    """The configuration file `named` with a section for each of our events."""
    path = target(named)
    before = read(path)
    data = before.data if before else b""
    after = _with_sections(data, quoted(script))
    if after != data:
        writable(path, before)
    mode = before.mode if before else 0o644
    return Change(path, before, Content(after, mode), PART, place, repository)


def remove(data: bytes, original: bytes | None) -> bytes | None:
    """The file without our sections; None where nothing else is in a file that we created."""
    present = [event for event in wrapper.EVENTS if _has_section(data, event)]
    after = _edited(data, [["--remove-section", section(event)] for event in present])
    return None if after != data and original is None and not after.strip() else after


def missing_events(path: Path) -> tuple[str, ...]:
    """The events that the file has no section for."""
    content = read(path)
    data = content.data if content else b""
    return tuple(event for event in wrapper.EVENTS if not _has_section(data, event))


def _has_section(data: bytes, event: str) -> bool:
    return f'[hook "akosha-hook-{event}"]'.encode() in data


def _with_sections(data: bytes, script: str) -> bytes:
    return _edited(
        data,
        [
            ["--replace-all", f"{section(event)}.{key}", value]
            for event in wrapper.EVENTS
            for key, value in (
                ("command", f"[ ! -x {script} ] || {script} {event}"),
                ("event", event),
            )
        ],
    )


def _edited(data: bytes, edits: list[list[str]]) -> bytes:
    """`data` after `edits` by git itself, since it knows its own format best."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "config"
        copy.write_bytes(data)
        for arguments in edits:
            git.ask(Path(directory), "config", "--file", str(copy), *arguments)
        return copy.read_bytes()
