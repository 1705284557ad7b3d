"""Installing and uninstalling as the command line does, without its words."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.install import installer
from akosha_hook.install.places import Place, installed_places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.install.agents.claude import Scope
    from akosha_hook.install.installer import Installation, Removal
    from akosha_hook.paths import Paths


def install_claude(paths: Paths, scope: Scope = "user", directory: Path = Path("/")) -> None:
    carry_out(paths, installer.for_claude(paths, scope, directory))


def install_git(paths: Paths, directory: Path) -> None:
    carry_out(paths, installer.for_git(paths, directory))


def carry_out(paths: Paths, installation: Installation) -> None:
    parts = installer.for_script(paths), installation
    installer.carry_out(paths, [change for part in parts for change in part.changes])


def uninstall(paths: Paths, directory: Path = Path("/")) -> Removal:
    removal = installer.removal(paths, directory, lambda entry: True)
    installer.remove(paths, removal)
    return removal


def tree(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Every file, link and directory below `directory`, with mode and content."""
    result = {}
    for path in sorted(directory.rglob("*")):
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        else:
            content = path.read_bytes() if path.is_file() else b""
        result[str(path.relative_to(directory))] = (path.lstat().st_mode, content)
    return result


def hook(directory: Path, event: str, text: str, mode: int = 0o755) -> Path:
    """Put a hook of somebody else's into the repository."""
    path = directory / ".git" / "hooks" / event
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def git(directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What a git command prints; it must succeed."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    return subprocess.run(
        ["git", *identity, *arguments],
        cwd=directory,
        env={**os.environ, **(env or {})},
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout


def repository(directory: Path) -> Path:
    """A new repository with one commit and a hooks directory without git's samples."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "--quiet", "--initial-branch=main", "--template=")
    git(directory, "commit", "--quiet", "--allow-empty", "--message=first")
    return directory


def record_calls(paths: Paths) -> Path:
    """Let the installed script write down what it is called with, a line each."""
    log = paths.state / "calls"
    paths.hook_script.write_text(
        f'#!/bin/sh\ncase $1 in /*) shift ;; esac\necho "$*" >>"{log}"\nexit "${{akosha_status:-0}}"\n'
    )
    return log


def commit(directory: Path, message: str = "more", *more: str) -> None:
    git(directory, "commit", "--quiet", "--allow-empty", f"--message={message}", *more)


def calls(paths: Paths) -> list[str]:
    log = paths.state / "calls"
    return log.read_text().splitlines() if log.exists() else []


def install_everywhere(paths: Paths, directory: Path) -> None:
    carry_out(paths, installer.for_all_repositories(paths, os.environ, directory))


def places(paths: Paths, directory: Path) -> dict[str, Place]:
    return {place.kind: place for place in installed_places(paths, os.environ, directory)}
