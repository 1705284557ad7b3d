"""Installing and uninstalling: which files change, and changing and recording them together."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.install import (
    config_hooks,
    git,
    git_hooks,
    managers,
    parts,
    plan,
    record,
    script,
)
from akosha_hook.install.agents import claude, claude_mcp
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from akosha_hook.install.plan import Change
    from akosha_hook.install.record import Entry
    from akosha_hook.paths import Paths


@dataclass(frozen=True, slots=True)
class Installation:
    """The changes that install us in one place, and what the user should know and type next."""

    changes: tuple[Change, ...]
    summary: str = ""
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """The changes that uninstall us; `left` has an error for each file that must stay as it is."""

    changes: tuple[Change, ...]
    entries: tuple[Entry, ...]
    left: tuple[AkoshaHookError, ...]
    next_steps: tuple[str, ...] = ()


def for_script(paths: Paths) -> Installation:
    """The script that every hook of ours runs; part of every installation.

    Raises PlanError where the running environment would not outlive this command.
    """
    return Installation(script.changes(paths))


def for_claude(paths: Paths, scope: claude.Scope, directory: Path) -> Installation:
    """Our hooks in Claude Code's settings of `scope`."""
    change = claude.change(paths, scope, directory)
    notes = []
    if change.after and claude.hooks_disabled(change.after.data):
        notes.append(
            f"{change.path} has disableAllHooks: Claude Code runs no hooks until it is removed."
        )
    summary = f"Claude Code ({scope} settings) reports when a session ends."
    return Installation((change,), summary, tuple(notes))


def for_git(paths: Paths, directory: Path, *, use_manager: bool = True) -> Installation:
    """Our hooks in the repository around `directory`.

    Where a hook manager is in use ours go into its configuration, unless `use_manager` is false.
    Raises PlanError where git runs hooks from a place that other repositories share, and is too
    old for hooks in the repository's own configuration.
    """
    repository = git.find(directory)
    if repository.own_hooks:
        manager = managers.in_use(repository) if use_manager else None
        if manager is not None:
            return _for_manager(manager, repository)
        own = git_hooks.HooksDirectory.of(repository)
        changes = git_hooks.changes(own, paths.hook_script)
        return Installation(changes, _summary(f"in {repository.top}"))
    if git.version(directory) < config_hooks.SINCE:
        raise plan.PlanError(
            f"git runs hooks from {repository.hooks} here ({repository.scope} configuration), a "
            "place that all repositories share.",
            hint="akosha-hook install --git --global",
        )
    config = repository.common / "config"
    change = config_hooks.change(config, paths.hook_script, "git", repository.common)
    return Installation((change,), _summary(f"in {repository.top}"))


def for_all_repositories(paths: Paths, environ: Mapping[str, str], directory: Path) -> Installation:
    """Our hooks in every repository of the user.

    Raises PlanError where this git can only run hooks repository by repository.
    """
    if git.version(directory) >= config_hooks.SINCE:
        home = Path(environ.get("HOME") or Path.home())
        config = git.user_config(environ, home)
        change = config_hooks.change(config, paths.hook_script, "git-global", None)
        return Installation((change,), _summary("in every repository"))
    shared = git.shared_hooks_directory(directory)
    if shared is None:
        raise plan.PlanError(
            "This git has no hooks for all repositories: each has a hooks directory of its own.",
            hint="cd into a repository, then: akosha-hook install --git (or get git 2.54)",
        )
    everywhere = git_hooks.HooksDirectory(shared, repository=None, shared=False)
    changes = git_hooks.changes(everywhere, paths.hook_script)
    return Installation(changes, _summary(f"in every repository, from {shared}"))


def _summary(where: str) -> str:
    return f"git reports commits, merges and rebases {where}."


def _for_manager(manager: managers.Manager, repository: git.Repository) -> Installation:
    step = managers.next_step(manager, repository.hooks)
    steps = (step,) if step else ()
    try:
        changes = managers.changes(manager, repository)
    except managers.MustNotEditError as error:
        return Installation((), next_steps=(error.message, *steps))
    note = (
        f"{manager.name} runs the hooks here, so ours are in its configuration. That file may be "
        "committed: where akosha-hook is not installed, they do nothing."
    )
    return Installation(changes, _summary(f"in {repository.top}"), (note,), steps)


def carry_out(paths: Paths, changes: Sequence[Change]) -> None:
    """Record `changes`, then make them; if that fails, the record stays as it was.

    Raises PlanError.
    """
    before = record.load(paths)
    after = record.with_changes(before, changes, parts.part_of)
    try:
        files.private_directory(paths.state)
        record.save(paths, after)
    except OSError as error:
        raise plan.PlanError(f"{paths.state} cannot be written: {error.strerror}.") from error
    try:
        plan.apply(changes)
    except BaseException:
        record.save(paths, before)
        raise
    files.private_directory(paths.bin)


def removal(paths: Paths, directory: Path, wanted: Callable[[Entry], bool]) -> Removal:
    """What removes the `wanted` entries: recorded ones, and unrecorded ones around `directory`.

    The script and the interpreter file go with the last place that uses them.
    """
    entries = _with_unrecorded(paths, directory).entries
    chosen = [entry for entry in entries if entry.part != script.PART and wanted(entry)]
    changes: list[Change] = []
    gone: list[Entry] = []
    left: list[AkoshaHookError] = []
    for entry in chosen:
        try:
            changes += parts.undo(entry)
            gone.append(entry)
        except AkoshaHookError as error:
            left.append(error)
    remaining = [entry for entry in entries if entry not in gone]
    if all(entry.part == script.PART for entry in remaining):
        for entry in remaining:
            changes += parts.undo(entry)
            gone.append(entry)
    steps = list(_disarming(gone, changes))
    if len(gone) == len(entries):
        steps += claude_mcp.removal_steps(paths)
    return Removal(tuple(changes), tuple(gone), tuple(left), tuple(steps))


def _disarming(entries: Iterable[Entry], changes: Iterable[Change]) -> Iterator[str]:
    """What to type for hook managers whose git hooks were only installed for us."""
    after = {str(change.path): change.after for change in changes}
    for entry in entries:
        remaining = after.get(entry.path)
        if entry.repository is not None and remaining is not None:
            hooks = Path(entry.repository) / "hooks"
            step = managers.disarm_step(entry.place, remaining.data, hooks)
            if step is not None:
                yield f"cd {shlex.quote(str(Path(entry.path).parent))} && {step}"


def _with_unrecorded(paths: Paths, directory: Path) -> record.Record:
    """The record, completed from the files: it may be lost, but our parts can be recognised."""
    known = record.load(paths)
    recorded = {entry.path for entry in known.entries}
    unrecorded = [
        change
        for change in (
            *claude.present(paths, directory),
            *script.present(paths),
            *_present_in_git(directory),
        )
        if str(change.path) not in recorded
    ]
    return record.with_changes(known, unrecorded, parts.part_of)


def _present_in_git(directory: Path) -> tuple[Change, ...]:
    try:
        repository = git.find(directory)
    except AkoshaHookError:
        return ()
    return (
        git_hooks.present(git_hooks.HooksDirectory.of(repository)) if repository.own_hooks else ()
    )


def remove(paths: Paths, removal: Removal) -> None:
    """Make the changes, forget their entries, and remove the directories created for them."""
    plan.apply(removal.changes)
    before = record.load(paths)
    kept = tuple(entry for entry in before.entries if entry not in removal.entries)
    record.save(paths, record.Record(entries=kept))
    _remove_directories(removal.entries)


def _remove_directories(entries: Iterable[Entry]) -> None:
    created = {Path(each) for entry in entries for each in entry.directories}
    for directory in sorted(created, key=lambda each: len(each.parts), reverse=True):
        with contextlib.suppress(OSError):
            directory.rmdir()
