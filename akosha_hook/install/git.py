"""Everything we ask of git, through GitPython but for `status`: repositories, hooks, configuration."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.util.secret import without_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    import git as gitpython

# GitPython sets them, so that git answers in English.
_LANGUAGE = frozenset({"LANGUAGE", "LC_ALL"})


class GitError(AkoshaHookError):
    """No repository to install into, or a git that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository: its working tree, common git directory, and where git looks for its hooks.

    `hooks_path` is `core.hooksPath` as written, "" where it is not set, and `scope` the scope it
    comes from.
    """

    top: Path
    common: Path
    hooks: Path
    hooks_path: str
    scope: str

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


@dataclass(frozen=True, slots=True)
class Here:
    """The repository around a working directory, as far as `status` needs it."""

    common: Path
    hooks: Path
    top: Path


def find(directory: Path) -> Repository:
    """The repository around `directory`.

    Raises GitError where there is none, it is bare, or git is missing.
    """
    bare, git_directory = _rev_parse(directory, 2, "--is-bare-repository", "--absolute-git-dir")
    if bare == "true":
        raise GitError(
            f"{git_directory} is a bare repository: nobody commits in it, so no hook of ours would run.",
            hint="Install in a clone of it.",
        )
    top, common, hooks = _rev_parse(
        directory, 3, "--show-toplevel", "--git-common-dir", "--git-path", "hooks"
    )
    scope, _, hooks_path = _config(directory, "--show-scope", "core.hooksPath").partition("\t")
    return Repository(
        top=Path(top),
        common=_absolute(directory, common),
        hooks=_absolute(directory, hooks),
        hooks_path=hooks_path,
        scope=scope,
    )


def version(directory: Path) -> tuple[int, ...]:
    """The version of the git on PATH."""
    return _git(directory).version_info


def version_text(directory: Path, environ: Mapping[str, str], *, seconds: float) -> str:
    """The version as git itself writes it; raises GitError."""
    return ask(directory, "--version", environ=environ, seconds=seconds).removeprefix(
        "git version "
    )


def working_tree(directory: Path, environ: Mapping[str, str], *, seconds: float) -> Here | None:
    """The repository around `directory`; None outside of working trees, or if git cannot be run.

    `status` asks this. Importing GitPython would be a quarter of the time it takes, so git is
    started directly, here only.
    """
    if "GIT_DIR" not in environ and not any(
        (each / ".git").exists() for each in (directory, *directory.parents)
    ):
        return None
    question = ("rev-parse", "--git-common-dir", "--git-path", "hooks", "--show-toplevel")
    try:
        done = subprocess.run(
            ["git", *question],
            cwd=directory,
            env=without_keys(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = os.fsdecode(done.stdout).splitlines()
    if done.returncode or len(lines) != 3:  # noqa: PLR2004 - a path may have a line break in it
        return None
    common, hooks, top = lines
    return Here(_absolute(directory, common), _absolute(directory, hooks), Path(top))


def shared_hooks_directory(directory: Path) -> Path | None:
    """Where git looks for every repository's hooks; None where each has its own."""
    for scope in ("--global", "--system"):
        if named := _config(directory, scope, "--type=path", "core.hooksPath"):
            return Path(named) if named.startswith("/") else None
    return None


def user_config(environ: Mapping[str, str], home: Path) -> Path:
    """The file `git config --global` writes."""
    if environ.get("GIT_CONFIG_GLOBAL"):
        return Path(environ["GIT_CONFIG_GLOBAL"])
    xdg = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config"
    usual = home / ".gitconfig"
    return xdg if xdg.exists() and not usual.exists() else usual


def ask(
    directory: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> str:
    """The output of `git` with `arguments` in `directory`, without the last line end.

    It gets `environ`, by default the process's, without the keys in it. Raises GitError where git
    is missing, fails, or takes longer than `seconds`.
    """
    client = _git(directory)
    from git.exc import GitCommandNotFound

    try:
        status, output, errors = client.execute(
            ["git", *arguments],
            with_extended_output=True,
            with_exceptions=False,
            kill_after_timeout=seconds,
            env=_environment(os.environ if environ is None else environ),
        )
    except GitCommandNotFound as error:
        raise GitError("git is not on PATH.", hint="Install git, then try again.") from error
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}.") from error
    if status:
        raise GitError(
            f"{directory}: git says: {str(errors).strip()}",
            hint="cd into the working tree of a repository (or type: git init), then try again.",
        )
    return str(output)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables for GitPython to set over the process's own; it cannot unset any."""
    kept = {name: value for name, value in without_keys(environ).items() if name not in _LANGUAGE}
    return dict.fromkeys(os.environ.keys() - without_keys(os.environ).keys(), "") | kept


def _git(directory: Path) -> gitpython.Git:
    # Importing GitPython starts `git version` with the environment of this process.
    keys = os.environ.keys() - without_keys(os.environ).keys()
    hidden = {name: os.environ.pop(name) for name in keys}
    # Without it, importing GitPython fails where there is no git.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        import git
    except ImportError as error:  # raised for a git that is there and fails
        raise GitError(
            "git cannot be run: `git version` fails.",
            hint="git version, and see what is wrong with it.",
        ) from error
    finally:
        os.environ.update(hidden)
    return git.Git(directory)


def _rev_parse(directory: Path, answers: int, *arguments: str) -> list[str]:
    lines = ask(directory, "rev-parse", *arguments).split("\n")
    if len(lines) != answers:
        raise GitError("A path with a line break in it is more than git hooks can name.")
    return lines


def _config(directory: Path, *arguments: str) -> str:
    """The output of `git config --get`; "" where nothing is set."""
    try:
        return ask(directory, "config", *arguments[:-1], "--get", arguments[-1])
    except GitError:
        return ""


def _absolute(directory: Path, answer: str) -> Path:
    return Path(os.path.abspath(directory / answer))  # noqa: PTH100 - a symlink stays a symlink


def _inside(path: Path, directory: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(directory))
