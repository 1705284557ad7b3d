"""Our hooks in Claude Code's settings files.

What Claude Code reads, and how it rewrites these files itself, is in its hooks reference: hooks of
all scopes add up, a `timeout` is in seconds, and unknown keys inside an entry do not survive, so
an entry of ours is known by its command alone.
"""

from __future__ import annotations

import copy
import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from akosha_hook.hook.event import EVENTS
from akosha_hook.install import json_text
from akosha_hook.install.plan import (
    Change,
    Content,
    PlanError,
    read,
    refuse_leaving,
    target,
    writable,
)
from akosha_hook.install.shell import SHARED_SCRIPT, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from akosha_hook.paths import Paths

Scope = Literal["user", "project", "local"]

PART = "claude-settings"
TIMEOUT_SECONDS = 10
_OWN_SCRIPT = "/akosha/bin/akosha-hook.sh"


@dataclass(frozen=True, slots=True)
class _Hook:
    """Claude Code's name for an event, the matcher of its kinds that we want, and our name for it."""

    event: str
    matcher: str | None
    name: str


HOOKS = (
    _Hook("SessionEnd", None, "session-end"),
    _Hook("SessionStart", "startup|resume", "session-start"),
)


def settings_file(paths: Paths, scope: Scope, directory: Path) -> Path:
    """The settings file of `scope`; project and local ones belong to the project at `directory`."""
    if scope == "user":
        return paths.claude_settings
    name = "settings.json" if scope == "project" else "settings.local.json"
    return project_directory(directory) / ".claude" / name


def project_directory(directory: Path) -> Path:
    """Where a project's `.claude` belongs: the nearest that exists, else the top of the repository.

    Outside of repositories it is `directory` itself: the home directory's `.claude` is no project.
    """
    inside = []
    for each in (directory, *directory.parents):
        inside.append(each)
        if (each / ".git").exists():
            return next((level for level in inside if (level / ".claude").is_dir()), each)
    return directory


def command(script: Path, name: str, *, shared: bool = False) -> str:
    """The shell command that reports `name`."""
    if shared:
        return f"[ ! -x {SHARED_SCRIPT} ] || {SHARED_SCRIPT} {name}"
    return f"{quoted(script)} {name}"


def is_ours(text: object) -> bool:
    """Whether a command is exactly one that this version writes or an earlier one wrote."""
    if not isinstance(text, str):
        return False
    for hook in HOOKS:
        if text == f"[ ! -x {SHARED_SCRIPT} ] || {SHARED_SCRIPT} {hook.name}":
            return True
    try:
        words = shlex.split(text)
    except ValueError:
        return False
    match words:
        case [script, name]:
            return script.endswith(_OWN_SCRIPT) and name in EVENTS
        case [program, "run", name]:
            return program.rpartition("/")[2] == "akosha-hook" and name in EVENTS
    return False


def change(paths: Paths, scope: Scope, directory: Path) -> Change:
    """The settings file of `scope` with our hooks in it.

    Raises PlanError, naming file, line and column, for one that cannot be changed safely.
    """
    named = settings_file(paths, scope, directory)
    if scope != "user":
        refuse_leaving(named, project_directory(directory))
    path = target(named)
    before = read(path)
    data = before.data if before else b""
    after = _edited(named, data, lambda settings: with_ours(settings, paths.hook_script, scope))
    if before is None or after != data:
        writable(path, before)
    mode = before.mode if before else 0o600 if scope == "user" else 0o644
    return Change(
        path, before, Content(after, mode), PART, f"claude-{scope}", _root(scope, directory)
    )


def present(paths: Paths, directory: Path) -> Iterator[Change]:
    """The settings files that have hooks of ours, as they are."""
    scopes: tuple[Scope, ...] = ("user", "project", "local")
    for scope in scopes:
        path = target(settings_file(paths, scope, directory))
        now = read(path)
        if now and any(our_entries(_parsed(now.data), hook.event) for hook in HOOKS):
            yield Change(path, now, now, PART, f"claude-{scope}", _root(scope, directory))


def _root(scope: Scope, directory: Path) -> Path | None:
    return None if scope == "user" else project_directory(directory)


def remove(path: Path, data: bytes, original: bytes | None) -> bytes | None:
    """`data` without our hooks; None where nothing else is in a file that we created.

    `original` is the file before our first install (None: there was none). Empty containers that
    it had are kept.
    """
    hint = _parsed(original) if original is not None else {}
    after = _edited(path, data, lambda settings: without_ours(settings, hint))
    return None if after != data and original is None and _parsed(after) == {} else after


def outline(data: bytes) -> bytes:
    """A settings file reduced to its containers of hooks."""
    settings = _parsed(data)
    hooks = settings.get("hooks") if isinstance(settings, dict) else None
    kept = {"hooks": dict.fromkeys(hooks)} if isinstance(hooks, dict) else {}
    return json.dumps(kept).encode()


def _parsed(data: bytes) -> Any:
    try:
        return json_text.parse(json_text.decode(data)[1])
    except json_text.JSONTextError:
        return {}


def _edited(path: Path, data: bytes, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    try:
        mark, text = json_text.decode(data)
        settings = json_text.parse(text)
        wanted = edit(_object(settings, "the document"))
        if wanted == settings:
            return data
        edited = mark + json_text.edit(text, wanted)
    except json_text.JSONTextError as error:
        raise PlanError(
            f"{path} {error.message}, so it was left alone.",
            hint="Correct the file (Claude Code ignores it as a whole until then), and try again.",
        ) from error
    try:
        return edited.encode()
    except UnicodeEncodeError as error:
        raise PlanError(
            f"{path} cannot name akosha-hook's script: its path is not UTF-8.",
            hint="Set CLAUDE_CONFIG_DIR to a directory whose path is, for Claude Code as well.",
        ) from error


def with_ours(settings: dict[str, Any], script: Path, scope: Scope) -> dict[str, Any]:
    """`settings` with each of our hooks exactly once; everything else as it was."""
    result = copy.deepcopy(settings)
    hooks = _object(result.setdefault("hooks", {}), "hooks")
    wanted = {hook.event: command(script, hook.name, shared=scope == "project") for hook in HOOKS}
    for event in list(hooks):
        if _collapse(hooks[event], wanted.get(event)) and not hooks[event]:
            del hooks[event]
    for hook in HOOKS:
        groups = _array(hooks.setdefault(hook.event, []), f"hooks.{hook.event}")
        if not any(map(_is_our_entry, _entries(groups))):
            matcher = {"matcher": hook.matcher} if hook.matcher else {}
            groups.append({**matcher, "hooks": [_entry(wanted[hook.event])]})
    return result


def _collapse(groups: Any, wanted: str | None) -> bool:
    """Keep the first of our entries, as `wanted`, and remove the others; whether any was removed."""
    seen = wanted is None
    removed = False
    for group in list(_groups(groups)):
        for entry in list(filter(_is_our_entry, group["hooks"])):
            if seen:
                _remove_one(group["hooks"], entry)
                removed = True
                if not group["hooks"]:
                    _remove_one(groups, group)
            elif not _is_current(entry, wanted):
                _replace_one(group["hooks"], entry, _entry(str(wanted)))
            seen = True
    return removed


def without_ours(settings: dict[str, Any], original: Any) -> dict[str, Any]:
    """`settings` without our hooks, and without containers that only held ours."""
    result = copy.deepcopy(settings)
    hooks = result.get("hooks")
    if not isinstance(hooks, dict):
        return result
    had = original.get("hooks") if isinstance(original, dict) else None
    removed = False
    for event, groups in list(hooks.items()):
        if _collapse(groups, None):
            removed = True
            if not groups and not (isinstance(had, dict) and event in had):
                del hooks[event]
    if removed and not hooks and had is None:
        del result["hooks"]
    return result


def hooks_disabled(data: bytes) -> bool:
    """Whether a settings file turns every hook off."""
    settings = _parsed(data)
    return isinstance(settings, dict) and settings.get("disableAllHooks") is True


def _entry(text: str) -> dict[str, Any]:
    return {"type": "command", "command": text, "timeout": TIMEOUT_SECONDS}


def _is_current(entry: dict[str, Any], wanted: str | None) -> bool:
    """Whether an entry runs what we want; its owner may have changed the timeout."""
    timeout = entry.get("timeout")
    return (
        entry.get("command") == wanted
        and entry.get("type") == "command"
        and isinstance(timeout, int | float)
        and not isinstance(timeout, bool)
        and 1 <= timeout <= 600  # noqa: PLR2004 - more can only be meant as milliseconds
    )


def our_entries(settings: Any, event: str) -> list[dict[str, Any]]:
    """The entries of ours that `settings` has for Claude Code's `event`."""
    hooks = settings.get("hooks") if isinstance(settings, dict) else None
    groups = hooks.get(event) if isinstance(hooks, dict) else None
    return list(filter(_is_our_entry, _entries(groups)))


def _groups(groups: Any) -> Iterator[dict[str, Any]]:
    """The groups that have the shape Claude Code reads; others are ignored."""
    for group in groups if isinstance(groups, list) else ():
        if isinstance(group, dict) and isinstance(group.get("hooks"), list):
            yield group


def _entries(groups: Any) -> Iterator[dict[str, Any]]:
    for group in _groups(groups):
        for entry in group["hooks"]:
            if isinstance(entry, dict):
                yield entry


def _is_our_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and is_ours(entry.get("command"))


def _remove_one(items: list[Any], item: Any) -> None:
    """Remove `item` itself, not the first that equals it."""
    items[:] = [each for each in items if each is not item]


def _replace_one(items: list[Any], item: Any, replacement: Any) -> None:
    items[:] = [replacement if each is item else each for each in items]


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise json_text.JSONTextError(f"is not as Claude Code wants it: {name} must be an object")
    return value


def _array(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise json_text.JSONTextError(f"is not as Claude Code wants it: {name} must be a list")
    return value
