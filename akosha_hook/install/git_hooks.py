"""Our hooks as files in one of git's hooks directories; hooks that are already there keep running."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.install import record, wrapper
from akosha_hook.install.plan import Change, Content, PlanError, read, writable

if TYPE_CHECKING:
    from akosha_hook.install.git import Repository
    from akosha_hook.install.record import Entry

PART = "git-hook"
# What pre-commit and prek, and lefthook, add to the name of a hook that they find.
_MOVED_BY_MANAGERS = (".legacy", ".old")


@dataclass(frozen=True, slots=True)
class HooksDirectory:
    """A directory git runs hooks from. `repository` is None where it serves all of them; `shared`
    where its files may be committed, for others to run.
    """

    path: Path
    repository: Path | None
    shared: bool

    @classmethod
    def of(cls, repository: Repository) -> HooksDirectory:
        return cls(repository.hooks, repository.common, repository.shared_hooks)


def changes(directory: HooksDirectory, script: Path) -> tuple[Change, ...]:
    """Our three hooks in `directory`; existing ones keep running.

    Raises PlanError where that directory cannot hold hooks.
    """
    if directory.path.exists() and not directory.path.is_dir():
        raise PlanError(
            f"Hooks are switched off: core.hooksPath is {directory.path}.",
            hint="git config --show-origin core.hooksPath shows where that is set.",
        )
    expression = wrapper.script_expression(script, shared=directory.shared)
    return tuple(
        change
        for event in wrapper.EVENTS
        for change in _event_changes(directory, expression, event)
    )


def present(directory: HooksDirectory) -> tuple[Change, ...]:
    """Our hooks in `directory`, unchanged: for a record that was lost."""
    paths = (directory.path / event for event in wrapper.EVENTS)
    contents = ((path, read(path, follow=False)) for path in paths if _has_block(path))
    return tuple(_change(directory, path, now, now) for path, now in contents if now)


def _event_changes(directory: HooksDirectory, expression: str, event: str) -> tuple[Change, ...]:
    path = directory.path / event
    writable(path, None)
    before = read(path, follow=False)
    if before is None:
        return (_change(directory, path, None, wrapper.hook(expression, event)),)
    if not before.link and wrapper.has_block(before.data):
        renewed = wrapper.renewed(before.data, expression, event)
        return (_change(directory, path, before, Content(renewed, before.mode | 0o100)),)
    runs = not before.link and before.mode & 0o100
    if directory.shared and runs and wrapper.is_shell(before.data):
        after = Content(wrapper.inserted(before.data, expression, event), before.mode)
        return (_change(directory, path, before, after),)
    return _chained(directory, before, expression, event)


def _chained(
    directory: HooksDirectory, before: Content, expression: str, event: str
) -> tuple[Change, ...]:
    """Keep the existing hook beside ours, which runs it first."""
    path = directory.path / event
    kept = directory.path / wrapper.kept_name(event)
    in_the_way = read(kept, follow=False)
    if in_the_way not in {None, before}:
        raise PlanError(
            f"{path} is not ours, and there is no room to keep it: {kept.name} exists already.",
            hint=f"Look at both, remove the one you do not need, then try again: ls -l {path}*",
        )
    return (
        Change(kept, in_the_way, before),
        _change(directory, path, before, wrapper.chained(expression, event)),
    )


def _change(
    directory: HooksDirectory, path: Path, before: Content | None, after: Content
) -> Change:
    place = "git-global" if directory.repository is None else "git"
    return Change(path, before, after, PART, place, directory.repository)


def undo(entry: Entry) -> tuple[Change, ...]:
    """Remove our hook, and move the one that was there before it back.

    That one is read from where we kept it, since its owner may have changed it there. A hook
    manager may have moved ours aside meanwhile. Raises PlanError where ours was edited since: only
    its owner can tell what should stay.
    """
    path = Path(entry.path)
    kept = path.with_name(wrapper.kept_name(path.name))
    waiting = read(kept, follow=False)
    places = [path, *(path.with_name(path.name + suffix) for suffix in _MOVED_BY_MANAGERS)]
    ours = [place for place in places if _has_block(place)]
    if waiting is None:
        others = [_without_block(place) for place in ours if place != path]
        return (record.undo(entry, record.Part(wrapper.remove)), *others)
    if not ours and read(path, follow=False) is not None:
        raise PlanError(
            f"{path} is not ours any more; the hook from before our install is still {kept}.",
            hint=f"Compare them, and remove {kept} if it is no longer needed.",
        )
    place = ours[0] if ours else path
    current = read(place, follow=False)
    if current is not None and wrapper.remove(current.data, None) is not None:
        raise PlanError(
            f"{place} was edited after we wrote it, so it was left alone.",
            hint=f"Remove the akosha-hook block; the hook from before our install is {kept}.",
        )
    return (Change(place, current, waiting), Change(kept, waiting, None))


def _has_block(path: Path) -> bool:
    content = read(path, follow=False)
    return content is not None and not content.link and wrapper.has_block(content.data)


def _without_block(path: Path) -> Change:
    content = read(path)
    assert content is not None
    rest = wrapper.remove(content.data, None)
    return Change(path, content, None if rest is None else Content(rest, content.mode))
