"""Where git looks for a repository's hooks, and whose place that is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.install import record, wrapper
from akosha_hook.install.plan import Change, Content, PlanError, read, writable

if TYPE_CHECKING:
    import git as gitpython

    from akosha_hook.install.record import Entry

HOOK_PART = "git-hook"
# What pre-commit and prek, and lefthook, add to the name of a hook that they find.
_MOVED_BY_MANAGERS = (".legacy", ".old")


class GitError(AkoshaHookError):
    """No repository to install into, or a git that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Repository:
    """What git says: the working tree, the common git directory, where it looks for hooks.

    `hooks_path` is `core.hooksPath` as written, "" where it is not set, and `scope` the scope it
    comes from.
    """

    top: Path
    common: Path
    hooks: Path
    hooks_path: str
    scope: str
    version: tuple[int, ...]

    @property
    def own_hooks(self) -> bool:
        """Whether the hooks directory belongs to this repository alone."""
        if self.scope in {"", "local", "worktree"}:
            return True
        return not self.hooks_path.startswith(("/", "~", "%")) and _inside(self.hooks, self.top)

    @property
    def shared_hooks(self) -> bool:
        """Whether the hooks directory may be committed, for others to run."""
        return _inside(self.hooks, self.top) and not _inside(self.hooks, self.common)


def find(directory: Path) -> Repository:
    """The repository around `directory`.

    Raises GitError where there is none, it is bare, or git is missing.
    """
    git = _git(directory)
    bare, git_directory = _ask(git, 2, "--is-bare-repository", "--absolute-git-dir")
    if bare == "true":
        raise GitError(
            f"{git_directory} is a bare repository: nobody commits in it, so no hook of ours would run.",
            hint="Install in a clone of it.",
        )
    top, common, hooks = _ask(git, 3, "--show-toplevel", "--git-common-dir", "--git-path", "hooks")
    scope, hooks_path = _hooks_path(git)
    return Repository(
        top=Path(top),
        common=_absolute(directory, common),
        hooks=_absolute(directory, hooks),
        hooks_path=hooks_path,
        scope=scope,
        version=git.version_info,
    )


def _git(directory: Path) -> gitpython.Git:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import git

    return git.Git(directory)


def _ask(git: gitpython.Git, answers: int, *arguments: str) -> list[str]:
    """What `git rev-parse` answers, one line each."""
    from git.exc import GitCommandError, GitCommandNotFound

    try:
        lines = str(git.execute(["git", "rev-parse", *arguments])).split("\n")
    except GitCommandNotFound as error:
        raise GitError("git is not on PATH.", hint="Install git, then try again.") from error
    except GitCommandError as error:
        said = str(error.stderr).removeprefix("\n  stderr: '").rstrip("'").strip()
        raise GitError(
            f"{git.working_dir}: git says: {said}",
            hint="cd into the working tree of a repository (or type: git init), then try again.",
        ) from error
    if len(lines) != answers:
        raise GitError("A path with a line break in it is more than git hooks can name.")
    return lines


def _hooks_path(git: gitpython.Git) -> tuple[str, str]:
    """Scope and value of `core.hooksPath`."""
    from git.exc import GitCommandError

    try:
        answer = str(git.execute(["git", "config", "--show-scope", "--get", "core.hooksPath"]))
    except GitCommandError:
        return "", ""
    scope, _, value = answer.partition("\t")
    return scope, value


def _absolute(directory: Path, answer: str) -> Path:
    return Path(os.path.abspath(directory / answer))  # noqa: PTH100 - a symlink stays a symlink


def _inside(path: Path, directory: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(directory))


def hook_changes(repository: Repository, script: Path) -> tuple[Change, ...]:
    """Our three hooks in the repository's hooks directory; whatever is there still runs.

    Raises PlanError where that directory cannot hold hooks.
    """
    if repository.hooks.exists() and not repository.hooks.is_dir():
        raise PlanError(
            f"Hooks are switched off here: core.hooksPath is {repository.hooks_path} "
            f"({repository.scope} configuration).",
            hint="git config --unset core.hooksPath",
        )
    expression = wrapper.script_expression(script, shared=repository.shared_hooks)
    return tuple(
        change
        for event in wrapper.EVENTS
        for change in _event_changes(repository, expression, event)
    )


def _event_changes(repository: Repository, expression: str, event: str) -> tuple[Change, ...]:
    path = repository.hooks / event
    writable(path, None)
    before = read(path, follow=False)
    if before is None:
        return (_change(repository, path, None, wrapper.hook(expression, event)),)
    if not before.link and wrapper.has_block(before.data):
        renewed = wrapper.renewed(before.data, expression, event)
        return (_change(repository, path, before, Content(renewed, before.mode | 0o100)),)
    runs = not before.link and before.mode & 0o100
    if repository.shared_hooks and runs and wrapper.is_shell(before.data):
        after = Content(wrapper.inserted(before.data, expression, event), before.mode)
        return (_change(repository, path, before, after),)
    return _chained(repository, before, expression, event)


def _chained(
    repository: Repository, before: Content, expression: str, event: str
) -> tuple[Change, ...]:
    """Move the foreign hook beside ours, which runs it."""
    path = repository.hooks / event
    kept = repository.hooks / wrapper.kept_name(event)
    in_the_way = read(kept, follow=False)
    if in_the_way not in {None, before}:
        raise PlanError(
            f"{path} is not ours, and there is no room to keep it: {kept.name} exists already.",
            hint=f"Look at both, remove the one you do not need, then try again: ls -l {path}*",
        )
    return (
        Change(kept, in_the_way, before),
        _change(repository, path, before, wrapper.chained(expression, event)),
    )


def _change(repository: Repository, path: Path, before: Content | None, after: Content) -> Change:
    own = repository.own_hooks
    place, belongs_to = ("git", repository.common) if own else ("git-global", None)
    return Change(path, before, after, HOOK_PART, place, belongs_to)


def undo_hook(entry: Entry) -> tuple[Change, ...]:
    """Take our hook away and give the one that was there before its place back.

    That one is taken from where it was kept: its owner may have changed it there. A hook manager
    may have moved ours aside in the meantime. Raises PlanError where ours was edited since, so
    that only its owner can tell what should stay.
    """
    path = Path(entry.path)
    kept = path.with_name(wrapper.kept_name(path.name))
    waiting = read(kept, follow=False)
    places = [path, *(path.with_name(path.name + suffix) for suffix in _MOVED_BY_MANAGERS)]
    ours = [place for place in places if _has_block(place)]
    if waiting is None:
        others = [_without_block(place) for place in ours if place != path]
        return (record.undo(entry, wrapper.remove), *others)
    if not ours and read(path, follow=False) is not None:
        raise PlanError(
            f"{path} is somebody else's now; the hook that was there before us is still {kept}.",
            hint=f"Compare them, and remove {kept} if it is no longer needed.",
        )
    place = ours[0] if ours else path
    current = read(place, follow=False)
    if current is not None and wrapper.remove(current.data, None) is not None:
        raise PlanError(
            f"{place} was edited since we made it, so it was left alone.",
            hint=f"Remove the akosha-hook block; the hook from before us is {kept}.",
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
