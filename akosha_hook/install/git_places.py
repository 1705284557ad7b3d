"""Whether git would run our hooks, directly or through a hook manager."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from akosha_hook.install import config_hooks, git, git_hooks, lefthook, managers, precommit, wrapper
from akosha_hook.install.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from akosha_hook.install.git import Here
    from akosha_hook.install.record import Entry

GIT_SECONDS = 5
INSTALL = "akosha-hook install --git"


def places(
    entries: tuple[Entry, ...], environ: Mapping[str, str], directory: Path
) -> Iterator[Place]:
    """The places in `entries`, and those around `directory` that are not recorded."""
    here = git.working_tree(directory, environ, seconds=GIT_SECONDS)
    recorded = [entry for entry in entries if _exists(entry.repository)]
    yield from _own_places(recorded, here)
    yield from _config_places(recorded)
    yield from _manager_places(recorded, here)


def _exists(repository: str | None) -> bool:
    return repository is None or Path(repository).is_dir()


def _own_places(entries: list[Entry], here: Here | None) -> Iterator[Place]:
    """Git's own hooks: one place per hooks directory."""
    recorded = {
        Path(entry.path).parent: (entry.place, Path(entry.repository) if entry.repository else None)
        for entry in entries
        if entry.part == git_hooks.PART
    }
    if here is not None and here.hooks not in recorded and _events_in(here.hooks):
        yield _own_place("git", here.hooks, here.common, here)
    for hooks, (kind, repository) in recorded.items():
        yield _own_place(kind, hooks, repository, here)


def _own_place(kind: str, hooks: Path, repository: Path | None, here: Here | None) -> Place:
    fix = f"{INSTALL}{' --global' if kind == 'git-global' else ''}"
    if here is not None and repository == here.common and hooks != here.hooks:
        detail = f"git runs hooks from {here.hooks} now"
        return Place(kind, hooks, "broken", detail, fix, repository)
    present = _events_in(hooks)
    missing = [event for event in wrapper.EVENTS if event not in present]
    if gone := next(filter(None, (_missing_script(hooks / event) for event in present)), None):
        detail = f"it names a script that is gone: {gone}"
        return Place(kind, hooks, "broken", detail, fix, repository)
    if missing:
        detail = f"removed, or overwritten by something else: {', '.join(missing)}"
        return Place(kind, hooks, "broken", detail, fix, repository)
    return Place(kind, hooks, "working", ", ".join(wrapper.EVENTS), "", repository)


def _missing_script(path: Path) -> str | None:
    """The script that our block in a hook names, if it does not exist: a home may have moved."""
    script = wrapper.named_script(_bytes(path))
    return script if script is not None and not os.access(script, os.X_OK) else None


def _events_in(hooks: Path) -> list[str]:
    """The events whose hook in `hooks` is executable and runs ours, itself or through a manager."""
    return [event for event in wrapper.EVENTS if _runs_ours(hooks / event)]


def _runs_ours(path: Path) -> bool:
    if not os.access(path, os.X_OK):
        return False
    data = _bytes(path)
    if wrapper.has_block(data):
        return True
    # pre-commit and prek keep the hook that was there before them, and run it.
    return b"hook-impl" in data and _runs_ours(path.with_name(f"{path.name}.legacy"))


def _config_places(entries: list[Entry]) -> Iterator[Place]:
    """Hooks in git's configuration."""
    for entry in entries:
        if entry.part == config_hooks.PART:
            path = Path(entry.path)
            fix = f"{INSTALL}{' --global' if entry.place == 'git-global' else ''}"
            missing = config_hooks.missing_events(path)
            state: Literal["working", "broken"] = "broken" if missing else "working"
            detail = f"removed: {', '.join(missing)}" if missing else ", ".join(wrapper.EVENTS)
            repository = Path(entry.repository) if entry.repository else None
            yield Place(entry.place, path, state, detail, fix if missing else "", repository)


def _manager_places(entries: list[Entry], here: Here | None) -> Iterator[Place]:
    by_config: dict[Path, tuple[managers.Manager, Path | None]] = {}
    for entry in entries:
        manager = _manager_of(entry)
        if manager is not None:
            repository = Path(entry.repository) if entry.repository else None
            by_config[manager.config] = manager, repository
    if here is not None:
        for manager in _managers_around(here):
            by_config.setdefault(manager.config, (manager, here.common))
    for manager, repository in by_config.values():
        hooks = here.hooks if here is not None and repository == here.common else None
        yield _manager_place(manager, repository, hooks)


def _manager_of(entry: Entry) -> managers.Manager | None:
    path = Path(entry.path)
    if entry.part == managers.LINE_PART:
        return managers.Manager("husky", path.parent)
    if entry.part == lefthook.PART:
        return managers.Manager("lefthook", path)
    if entry.part == precommit.PART:
        return managers.Manager("prek" if entry.place == "prek" else "pre-commit", path)
    return None


def _managers_around(here: Here) -> Iterator[managers.Manager]:
    """The managers around the working directory that have a part of ours, recorded or not."""
    around = [managers.Manager("pre-commit", here.top / name) for name in managers.PRE_COMMIT_FILES]
    around += [managers.Manager("lefthook", here.top / name) for name in managers.LEFTHOOK_FILES]
    if managers.is_husky(here.hooks):
        around.append(managers.Manager("husky", here.hooks.parent))
    for manager in around:
        if managers.missing_events(manager) != wrapper.EVENTS:
            yield manager


def _manager_place(manager: managers.Manager, repository: Path | None, hooks: Path | None) -> Place:
    """`hooks` is git's hooks directory; None: not known, so the manager's usual one is looked at."""
    kind, path = manager.name, manager.config
    if missing := managers.missing_events(manager):
        detail = f"our part is gone from it: {', '.join(missing)}"
        return Place(kind, path, "broken", detail, INSTALL, repository)
    if hooks is None:
        usual = path / "_" if kind == "husky" else (repository or path.parent / ".git") / "hooks"
        hooks = usual
    if step := managers.next_step(manager, hooks):
        idle = [event for event in wrapper.EVENTS if not managers.runs(kind, hooks, event)]
        detail = f"git does not call {kind} for {', '.join(idle)}"
        return Place(kind, path, "broken", detail, step, repository)
    return Place(kind, path, "working", ", ".join(wrapper.EVENTS), "", repository)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
