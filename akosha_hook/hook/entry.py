"""What `hooks/akosha-hook.sh` does, in Python: for pre-commit, and where there is no sh."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.hook import outbox, spawn
from akosha_hook.hook.event import EVENTS, MAX_STDIN_BYTES, REPOSITORY_EVENTS, SESSION_EVENTS
from akosha_hook.paths import Paths, account_home
from akosha_hook.util.agents import agent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK_BYTES = 65_536


class _TerminatedError(Exception):
    """Claude Code ended this hook: its time was up."""


def main(arguments: Sequence[str]) -> None:
    """Record the event that `arguments` names and start a worker; never fails, prints only a notice.

    `--worker` instead of an event becomes the worker: the hook script's last resort.
    """
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        # Only to see whether git replays commits; no program gets it.
        git = {"GIT_DIR": os.environ["GIT_DIR"]} if "GIT_DIR" in os.environ else {}
        _forget_projects()
        if list(arguments) == ["--worker"]:
            spawn.main([sys.executable])
        else:
            fire(arguments, {**os.environ, **git})
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a commit must not hear of it
        _log_failure(error)


def fire(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Record the event that `arguments` names (git's own arguments follow) and start a worker."""
    name, *rest = _as_pre_commit_means(arguments, environ) or [""]
    if name not in EVENTS or (name == "post-rewrite" and rest[:1] == ["amend"]):
        return
    if name in {"post-commit", "post-merge"} and in_rebase(environ):
        return
    if not (environ.get("CLAUDE_CONFIG_DIR") or environ.get("HOME")):
        # The user database may name a home directory, but this process was not meant to use it.
        _read_stdin(name)
        return
    directory = _working_directory()
    stdin = _read_stdin(name)
    paths = Paths.from_environment(environ)
    if name == "session-start":
        _show_notice(paths)
        if not _anything_waits(paths):
            return
    outbox.record(paths, name, directory, stdin)
    spawn.start_worker(paths, environ)


def in_rebase(environ: Mapping[str, str]) -> bool:
    """Whether git is replaying commits: `post-rewrite` is run once, at the end."""
    git = Path(environ.get("GIT_DIR") or ".git")
    if git.is_file():
        git = git.parent / os.fsdecode(git.read_bytes()).removeprefix("gitdir: ").rstrip("\n")
    return any((git / name).is_dir() for name in ("rebase-merge", "rebase-apply"))


def _as_pre_commit_means(arguments: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """pre-commit runs one entry at every stage, and tells the stage by variables."""
    if arguments and arguments[0] in REPOSITORY_EVENTS:
        if rewrite := environ.get("PRE_COMMIT_REWRITE_COMMAND"):
            return ["post-rewrite", rewrite]
        if "PRE_COMMIT_IS_SQUASH_MERGE" in environ:
            return ["post-merge"]
    return list(arguments)


def _working_directory() -> Path | None:
    try:
        return Path.cwd()
    except OSError:
        return None


def _read_stdin(name: str) -> bytes:
    """The first MiB of a session's JSON; the rest is read too, or its writer would get a SIGPIPE.

    git's stdin is of no use here, and a hook manager may have left it one that never ends.
    """
    kept = bytearray()
    if name not in SESSION_EVENTS:
        return b""
    with contextlib.suppress(OSError, _TerminatedError):
        while not os.isatty(0) and (chunk := os.read(0, _CHUNK_BYTES)):
            kept += chunk[: MAX_STDIN_BYTES - len(kept)]
    return bytes(kept)


def _show_notice(paths: Paths) -> None:
    with contextlib.suppress(OSError):
        os.write(1, paths.notice.read_bytes())
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        os.close(os.open(paths.notice_shown, flags, 0o600))


def _anything_waits(paths: Paths) -> bool:
    try:
        return any(path.suffix in {".event", ".tmp"} for path in paths.outbox.iterdir())
    except OSError:
        return False


def _raise_terminated(*_: object) -> None:
    raise _TerminatedError


def _forget_projects() -> None:
    """A project must not choose the worker's interpreter, nor where its events are kept."""
    from akosha_hook.settings.project import forget_code_variables, forget_projects

    previous = os.environ.get("OLDPWD")
    had_home = bool(os.environ.get("HOME"))
    forget_code_variables(os.environ)
    forget_projects(os.environ, [_working_directory(), Path(previous) if previous else None])
    if had_home and "HOME" not in os.environ:
        # Without one the event would be lost.
        os.environ["HOME"] = str(account_home())
    if "CLAUDE_CONFIG_DIR" in os.environ and agent(os.environ) is not None:
        _use_own_state()


def _use_own_state() -> None:
    """Leave the event in the account's own directory, where an agent's environment names another.

    Of the project that the agent works on nothing is known here: its commits may be in other places.
    """
    from akosha_hook.state import pin

    if not pin.is_own(Paths.from_environment(os.environ)):
        os.environ["CLAUDE_CONFIG_DIR"] = str(account_home() / ".claude")


def _log_failure(error: BaseException) -> None:
    import logging

    from akosha_hook.util import log

    with contextlib.suppress(Exception):
        log.configure(Paths.from_environment(os.environ))
        logger = logging.getLogger(__name__)
        logger.error("The hook could not leave its event: %s", error, exc_info=error)
