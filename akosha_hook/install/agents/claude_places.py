"""Whether Claude Code would run our hooks, from its settings files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akosha_hook.errors import AkoshaHookError
from akosha_hook.install import json_text
from akosha_hook.install.agents import claude
from akosha_hook.install.place import Place
from akosha_hook.install.plan import read
from akosha_hook.install.shell import unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.install.record import Entry
    from akosha_hook.paths import Paths


def settings_places(paths: Paths, entries: tuple[Entry, ...], directory: Path) -> Iterator[Place]:
    files = {
        Path(entry.path): (entry.place, entry.repository)
        for entry in entries
        if entry.part == claude.PART
    }
    recorded = frozenset(files)
    named: dict[Path, Path] = {}
    scopes: tuple[claude.Scope, ...] = ("user", "project", "local")
    for scope in scopes:
        name = claude.settings_file(paths, scope, directory)
        path = Path(os.path.realpath(name))
        named.setdefault(path, name)
        files.setdefault(path, (f"claude-{scope}", None))
    for path, (kind, project) in files.items():
        if project is not None and not Path(project).is_dir():
            continue
        place = _claude_place(kind, named.get(path, path), path in recorded)
        if place is not None:
            yield place


def _claude_place(kind: str, path: Path, recorded: bool) -> Place | None:
    fix = "akosha-hook install" if kind == "claude-user" else ""
    fix = fix or f"akosha-hook install --scope {kind.removeprefix('claude-')}"
    try:
        content = read(path)
        settings = json_text.parse(json_text.decode(content.data if content else b"")[1])
    except AkoshaHookError as error:
        subject = "it " if isinstance(error, json_text.JSONTextError) else ""
        detail = f"Claude Code ignores the file: {subject}{error.message}"
        return Place(kind, path, "broken", detail, f"correct {path}") if recorded else None
    missing = [hook.event for hook in claude.HOOKS if not claude.our_entries(settings, hook.event)]
    if len(missing) == len(claude.HOOKS):
        detail = "our hooks were removed from it"
        return Place(kind, path, "broken", detail, fix) if recorded else None
    if missing:
        return Place(kind, path, "broken", f"no hook for {', '.join(missing)}", fix)
    if settings.get("disableAllHooks") is True:
        detail = "disableAllHooks is set: Claude Code runs no hook at all"
        return Place(kind, path, "broken", detail, f"remove disableAllHooks from {path}")
    if gone := _missing_script(settings):
        return Place(kind, path, "broken", f"it names a script that is gone: {gone}", fix)
    return Place(kind, path, "working", ", ".join(hook.event for hook in claude.HOOKS))


def _missing_script(settings: Any) -> str | None:
    """The script that one of our entries names, if it does not exist: a home may have moved."""
    for hook in claude.HOOKS:
        for entry in claude.our_entries(settings, hook.event):
            script = unquoted(entry["command"])
            if script is not None and not os.access(script, os.X_OK):
                return script
    return None


def plugin_places(paths: Paths) -> Iterator[Place]:
    """The plugin, as Claude Code's settings list it."""
    try:
        content = read(paths.claude_settings)
        settings = json_text.parse(json_text.decode(content.data if content else b"")[1])
    except AkoshaHookError:
        return
    plugins = settings.get("enabledPlugins") if isinstance(settings, dict) else None
    for name, enabled in plugins.items() if isinstance(plugins, dict) else ():
        if name.partition("@")[0] == "akosha-hook" and enabled is True:
            yield Place("claude-plugin", paths.claude_settings, "working", name)
