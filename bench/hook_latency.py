"""What a post-commit hook adds to `git commit`: ours against doing nothing and against peers."""

from __future__ import annotations

import fcntl
import functools
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.demo.s3_server import available
from akosha_hook.hook.event import file_name
from akosha_hook.paths import Paths
from akosha_hook.util import files
from akosha_hook.util.lock import Lock
from bench.report import Budget, Table, program, version
from bench.uploading import uploading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

NO_HOOK, EMPTY, OURS = "no hook", "empty sh hook", "akosha-hook"
BUSY, LITTERED = "akosha-hook, a worker running", "akosha-hook, 10,000 receipts, 1,000 events"
PEERS = {"prek": "--version", "lefthook": "version", "pre-commit": "--version"}
BUDGETS = {EMPTY: 3.0, "prek": 0.3, "pre-commit": 0.03}

_PRE_COMMIT = """\
repos:
- repo: local
  hooks:
  - {id: nothing, name: nothing, language: system, entry: "true", stages: [post-commit],
     always_run: true, pass_filenames: false}
"""
_LEFTHOOK = "post-commit:\n  commands:\n    nothing:\n      run: 'true'\n"


@dataclass(frozen=True)
class Contender:
    """A repository with one kind of hook."""

    name: str
    repository: Path
    environ: Mapping[str, str]


def run(work: Path, *, rounds: int) -> Table:
    alone = _measured(work / "alone", rounds, [_bare, _empty, _busy, _idle, _littered, *_peers()])
    loaded: dict[str, list[float]] = {}
    if available():
        with uploading(work):
            loaded = _measured(work / "loaded", rounds, [_bare, _empty, _busy])
    budgets = [
        Budget(f"{ours}, against {peer}", _adds(alone, ours) / _adds(alone, peer), allowed)
        for ours in (OURS, BUSY, LITTERED)
        for peer, allowed in BUDGETS.items()
        if peer in alone
    ]
    if loaded:
        measured = _adds(loaded, BUSY) / _adds(loaded, EMPTY)
        budgets.append(Budget(f"{BUSY} and uploading, against {EMPTY}", measured, BUDGETS[EMPTY]))
    return Table(
        title=f"What a post-commit hook adds to git commit, {rounds} interleaved commits each",
        columns=("hook", "commit, ms (median)", "25 %", "75 %", "adds, ms", "x empty sh"),
        rows=_rows(alone, "") + _rows(loaded, "while uploading: "),
        budgets=budgets,
        versions={name: version(name, argument) for name, argument in PEERS.items()}
        | {"an S3 server": ", ".join(available()) or None},
    )


def _measured(
    work: Path, rounds: int, makers: list[Callable[[Path], Contender]]
) -> dict[str, list[float]]:
    """Milliseconds of every commit."""
    contenders = [make(work) for make in makers]
    milliseconds: dict[str, list[float]] = {each.name: [] for each in contenders}
    for turn in range(-3, rounds):
        for contender in random.sample(contenders, len(contenders)):
            seconds = _commit(contender)
            if turn >= 0:
                milliseconds[contender.name].append(1000 * seconds)
    return milliseconds


def _adds(milliseconds: Mapping[str, list[float]], name: str) -> float:
    return statistics.median(milliseconds[name]) - statistics.median(milliseconds[NO_HOOK])


def _rows(milliseconds: Mapping[str, list[float]], prefix: str) -> list[tuple[str | float, ...]]:
    rows: list[tuple[str | float, ...]] = []
    for name in sorted(milliseconds, key=lambda each: _adds(milliseconds, each)):
        low, median, high = statistics.quantiles(milliseconds[name], n=4)
        adds = _adds(milliseconds, name)
        rows.append((prefix + name, median, low, high, adds, adds / _adds(milliseconds, EMPTY)))
    return rows


def _commit(contender: Contender) -> float:
    """Seconds until `git commit` is back; returns when what its hook left running has ended too."""
    # Every commit starts right behind the same other command, not behind another's hook.
    _run(contender, "git", "rev-parse", "--git-dir")
    reading, writing = _pipe()
    null = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in range(3)]
    command = ["git", "-C", str(contender.repository), "commit", "-q", "--allow-empty", "-m", "x"]
    start = time.perf_counter()
    pid = os.posix_spawnp("git", command, contender.environ, file_actions=null)
    _, status = os.waitpid(pid, 0)
    seconds = time.perf_counter() - start
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    if status:
        raise SystemExit(f"git commit failed with {contender.name}")
    return seconds


def _pipe() -> tuple[int, int]:
    """A pipe whose inheritable writing end is none of the descriptors that the hook closes."""
    reading, low = os.pipe()
    writing = fcntl.fcntl(low, fcntl.F_DUPFD, 20)
    os.close(low)
    return reading, writing


def _repository(work: Path, name: str) -> Contender:
    home = work / name.replace(" ", "-").replace(",", "")
    repository = home / "repository"
    repository.mkdir(parents=True)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        # A worker with nothing to do: it starts, looks, ends.
        "SESSION_BUDDY_AKOSHA_UPLOAD_ON_COMMIT": "false",
        "SESSION_BUDDY_AKOSHA_SETTLE_SECONDS": "0",
    }
    contender = Contender(name, repository, environ)
    _run(contender, "git", "init", "-q")
    for key, value in {
        "user.name": "a",
        "user.email": "a@b.c",
        "maintenance.auto": "false",
    }.items():
        _run(contender, "git", "config", key, value)
    return contender


def _run(contender: Contender, *command: str) -> None:
    subprocess.run(
        command,
        check=True,
        cwd=contender.repository,
        env=contender.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def _bare(work: Path) -> Contender:
    return _repository(work, NO_HOOK)


def _empty(work: Path) -> Contender:
    contender = _repository(work, EMPTY)
    hook = contender.repository / ".git" / "hooks" / "post-commit"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    return contender


def _installed(work: Path, name: str) -> tuple[Contender, Paths]:
    """Installed as a user installs it."""
    contender = _repository(work, name)
    _run(contender, sys.executable, "-P", "-m", "akosha_hook", "install", "--git")
    return contender, Paths.from_environment(contender.environ)


def _idle(work: Path) -> Contender:
    return _installed(work, OURS)[0]


def _busy(work: Path) -> Contender:
    contender, paths = _installed(work, BUSY)
    _hold_lock(paths)
    return contender


def _littered(work: Path) -> Contender:
    """What is lying around stays there: the lock keeps every worker from it."""
    contender, paths = _installed(work, LITTERED)
    _hold_lock(paths)
    for directory in (paths.receipts, paths.outbox):
        files.private_directory(directory)
    for number in range(10_000):
        (paths.receipts / f"20260101_000000_{number}.json").write_text("{}")
    for number in range(1_000):
        (paths.outbox / file_name(number, number, "post-commit")).write_text("post-commit\n\n")
    return contender


def _hold_lock(paths: Paths) -> None:
    """As a worker does, asleep or at work; until this process ends."""
    assert Lock(paths.worker_lock).acquire()


def _peers() -> list[Callable[[Path], Contender]]:
    return [functools.partial(_peer, name=name) for name in PEERS if program(name)]


def _peer(work: Path, *, name: str) -> Contender:
    contender = _repository(work, name)
    config, text = ".pre-commit-config.yaml", _PRE_COMMIT
    if name == "lefthook":
        config, text = "lefthook.yml", _LEFTHOOK
    (contender.repository / config).write_text(text)
    # pre-commit refuses to run while its configuration is not staged.
    _run(contender, "git", "add", config)
    _run(contender, "git", "commit", "-q", "-m", "configuration")
    executable = program(name)
    assert executable is not None
    stage = [] if name == "lefthook" else ["--hook-type", "post-commit"]
    _run(contender, executable, "install", *stage)
    return contender
