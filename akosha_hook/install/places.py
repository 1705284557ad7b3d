"""Every place where we are installed, and whether what is there would still run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from akosha_hook.errors import AkoshaHookError
from akosha_hook.install import claude, json_text, record, script, wrapper
from akosha_hook.install.git import HOOK_PART
from akosha_hook.install.plan import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from akosha_hook.paths import Paths

GIT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """One place. `kind` is `claude-user`, `claude-project`, `claude-local`, `claude-plugin`, `git`...

    `detail` says what is there, or what is wrong with it; `fix` what to type then. `repository` is
    the common git directory of the repository it belongs to.
    """

    kind: str
    path: Path
    state: Literal["working", "broken"]
    detail: str
    fix: str = ""
    repository: Path | None = None


def installed_places(
    paths: Paths, environ: Mapping[str, str], directory: Path
) -> tuple[Place, ...]:
    """The places that were recorded, and those found in Claude Code's settings and around `directory`.

    Reads files and asks git once; changes nothing.
    """
    entries = record.load(paths).entries
    broken = script_problem(paths)
    found = [
        *_claude_places(paths, entries, directory),
        *_plugin_places(paths),
        *_git_places(entries, environ, directory),
    ]
    if broken is None:
        return tuple(found)
    return tuple(
        place
        if place.state == "broken" or place.kind == "claude-plugin"
        else replace(place, state="broken", detail=broken, fix="akosha-hook install")
        for place in found
    )


def script_problem(paths: Paths) -> str | None:
    """Why no hook could start a worker; None where all is well."""
    if not os.access(paths.hook_script, os.X_OK):
        return f"{paths.hook_script} is missing or not executable"
    try:
        interpreter = os.fsdecode(paths.interpreter.read_bytes()).partition("\n")[0]
    except OSError:
        return f"{paths.interpreter} is missing"
    if not os.access(interpreter, os.X_OK):
        return f"the Python it was installed with is gone: {interpreter or '(empty)'}"
    return None


def script_outdated(paths: Paths) -> bool:
    """Whether the installed script is another than this version ships."""
    from akosha_hook.paths import shipped

    try:
        return paths.hook_script.read_bytes() != shipped(script.SHIPPED).read_bytes()
    except (OSError, AkoshaHookError):
        return False


def _claude_places(
    paths: Paths, entries: tuple[record.Entry, ...], directory: Path
) -> Iterator[Place]:
    files = {
        Path(entry.path): (entry.place, entry.repository)
        for entry in entries
        if entry.part == claude.PART
    }
    recorded = frozenset(files)
    scopes: tuple[claude.Scope, ...] = ("user", "project", "local")
    for scope in scopes:
        path = Path(os.path.realpath(claude.settings_file(paths, scope, directory)))
        files.setdefault(path, (f"claude-{scope}", None))
    for path, (kind, project) in files.items():
        if project is not None and not Path(project).is_dir():
            continue
        place = _claude_place(kind, path, path in recorded)
        if place is not None:
            yield place


def _claude_place(kind: str, path: Path, recorded: bool) -> Place | None:
    fix = "akosha-hook install" if kind == "claude-user" else ""
    fix = fix or f"akosha-hook install --scope {kind.removeprefix('claude-')}"
    try:
        content = read(path)
        settings = json_text.parse(json_text.decode(content.data if content else b"")[1])
    except AkoshaHookError as error:
        detail = f"Claude Code ignores the file: {error.message}"
        return Place(kind, path, "broken", detail, f"correct {path}") if recorded else None
    missing = [hook.event for hook in claude.HOOKS if not claude.our_entries(settings, hook.event)]
    if len(missing) == len(claude.HOOKS):
        gone = "our hooks were removed from it"
        return Place(kind, path, "broken", gone, fix) if recorded else None
    if missing:
        return Place(kind, path, "broken", f"no hook for {', '.join(missing)}", fix)
    if settings.get("disableAllHooks") is True:
        detail = "disableAllHooks is set: Claude Code runs no hook at all"
        return Place(kind, path, "broken", detail, f"remove disableAllHooks from {path}")
    return Place(kind, path, "working", ", ".join(hook.event for hook in claude.HOOKS))


def _plugin_places(paths: Paths) -> Iterator[Place]:
    """The plugin, by the settings that Claude Code keeps of it."""
    try:
        content = read(paths.claude_settings)
        settings = json_text.parse(json_text.decode(content.data if content else b"")[1])
    except AkoshaHookError:
        return
    plugins = settings.get("enabledPlugins") if isinstance(settings, dict) else None
    for name, enabled in plugins.items() if isinstance(plugins, dict) else ():
        if name.partition("@")[0] == "akosha-hook" and enabled is True:
            yield Place("claude-plugin", paths.claude_settings, "working", name)


def _git_places(
    entries: tuple[record.Entry, ...], environ: Mapping[str, str], directory: Path
) -> Iterator[Place]:
    recorded: dict[Path, tuple[str, str | None]] = {}
    for entry in entries:
        if entry.part == HOOK_PART:
            recorded[Path(entry.path).parent] = (entry.place, entry.repository)
    common, here = _git_answers(environ, directory)
    if here is not None and here not in recorded and _events_in(here):
        yield _git_place("git", here, common)
    for hooks, (kind, named) in recorded.items():
        repository = Path(named) if named is not None else None
        if repository is None or repository.is_dir():
            elsewhere = repository is not None and repository == common and here != hooks
            yield _git_place(kind, hooks, repository, now=here if elsewhere else None)


def _git_place(
    kind: str, hooks: Path, repository: Path | None, *, now: Path | None = None
) -> Place:
    fix = f"akosha-hook install --git{' --global' if kind == 'git-global' else ''}"
    if now is not None:
        detail = f"git runs hooks from {now} now"
        return Place(kind, hooks, "broken", detail, fix, repository)
    there = _events_in(hooks)
    missing = [event for event in wrapper.EVENTS if event not in there]
    if missing:
        detail = f"removed, or overwritten by something else: {', '.join(missing)}"
        return Place(kind, hooks, "broken", detail, fix, repository)
    return Place(kind, hooks, "working", ", ".join(wrapper.EVENTS), "", repository)


def _events_in(hooks: Path) -> list[str]:
    """The events whose hook in `hooks` is executable and runs ours, itself or through a manager."""
    return [event for event in wrapper.EVENTS if _runs_ours(hooks / event)]


def _runs_ours(path: Path) -> bool:
    try:
        data = path.read_bytes()
    except OSError:
        return False
    if not os.access(path, os.X_OK):
        return False
    if wrapper.has_block(data):
        return True
    # pre-commit and prek run what they found before them.
    legacy = path.with_name(f"{path.name}.legacy")
    return b"hook-impl" in data and legacy.exists() and _runs_ours(legacy)


def _git_answers(environ: Mapping[str, str], directory: Path) -> tuple[Path | None, Path | None]:
    """The common git directory, and where git looks for hooks; None outside of repositories."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--git-common-dir", "--git-path", "hooks"],
            cwd=directory,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=GIT_SECONDS,
        )
        common, hooks = os.fsdecode(answer.stdout).splitlines()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None, None
    return _absolute(directory, common), _absolute(directory, hooks)


def _absolute(directory: Path, named: str) -> Path:
    return Path(os.path.abspath(directory / named))  # noqa: PTH100 - a symlink stays a symlink
