"""Putting files in place: whole or not at all, and nothing lost, wherever it is cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.errors import AkoshaHookError, BusyError
from akosha_hook.restore import place as placing
from akosha_hook.restore.staging import PREFIX
from tests.support.recovery import contents

OLD = {
    "a.duckdb": b"old a",
    "a.duckdb.wal": b"old wal",
    "b.duckdb": b"old b",
    "c.db": b"old c",
    "c.db-wal": b"old wal of c",
    "c.db-shm": b"old index of c",
}
NEW = {
    "a.duckdb": b"new a",
    "a.duckdb.wal": b"new wal",
    "a.duckdb.wal.checkpoint": b"new checkpoint",
    "b.duckdb": b"new b",
    "c.db": b"new c",
    "c.db-journal": b"new journal",
}
MEMBERS = {
    "a.duckdb": ["a.duckdb", "a.duckdb.wal", "a.duckdb.wal.checkpoint"],
    "b.duckdb": ["b.duckdb"],
    "c.db": ["c.db", "c.db-journal"],
}

# Killed at the Nth change to the directory, as by a power cut.
_PROGRAM = """
import os, signal, sys
from pathlib import Path
from akosha_hook.restore.place import place

left = int(sys.argv[3])
def audit(event, arguments):
    global left
    if event in {"os.rename", "os.link", "os.mkdir", "os.remove", "os.chmod"}:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(audit)
members = {"a.duckdb": ["a.duckdb", "a.duckdb.wal", "a.duckdb.wal.checkpoint"],
           "b.duckdb": ["b.duckdb"], "c.db": ["c.db", "c.db-journal"]}
place(Path(sys.argv[1]), Path(sys.argv[1]).parent, Path(sys.argv[2]), members)
"""


def _scene(root: Path, old: dict[str, bytes]) -> tuple[Path, Path]:
    """The staged files and the directory they are for."""
    target = root / "data"
    staged = target / f"{PREFIX}x" / "whole"
    staged.mkdir(parents=True)
    staged.parent.chmod(0o700)
    for name, data in old.items():
        (target / name).write_bytes(data)
    for name, data in NEW.items():
        (staged / name).write_bytes(data)
    return staged, target


def _whole(now_there: dict[str, bytes], old: dict[str, bytes]) -> bool:
    """Whether each database is all old or all new."""
    for database, suffixes in (
        ("a.duckdb", ("", ".wal", ".wal.checkpoint")),
        ("b.duckdb", ("",)),
        ("c.db", ("", "-wal", "-shm", "-journal")),
    ):
        names = [database + suffix for suffix in suffixes]
        now = {name: now_there[name] for name in names if name in now_there}
        before = {name: old[name] for name in names if name in old}
        after = {name: NEW[name] for name in names if name in NEW}
        if now not in (before, after):
            return False
    return True


def test_the_old_is_kept_and_the_new_is_in_place(tmp_path: Path) -> None:
    staged, target = _scene(tmp_path, OLD)
    kept = placing.place(staged, staged.parent, target, MEMBERS)
    assert kept is not None
    assert contents(target) == NEW
    assert contents(kept) == OLD
    assert kept.stat().st_mode & 0o777 == 0o700


def test_nothing_is_kept_where_nothing_was(tmp_path: Path) -> None:
    staged, target = _scene(tmp_path, {})
    assert placing.place(staged, staged.parent, target, MEMBERS) is None
    assert contents(target) == NEW


@pytest.mark.parametrize("old", [OLD, {}, {"a.duckdb.wal": b"alone"}], ids=["all", "none", "wal"])
def test_killed_anywhere_each_database_is_old_or_new_after_the_next_run(
    tmp_path: Path, old: dict[str, bytes]
) -> None:
    ended = False
    step = 0
    while not ended:
        staged, target = _scene(tmp_path / str(step), old)
        result = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(staged), str(target), str(step)],
            check=False,
            cwd=Path(__file__).parents[2],
        )
        ended = result.returncode == 0
        assert ended or result.returncode == -signal.SIGKILL
        kept = [each for each in target.iterdir() if each.name.startswith(placing.KEPT_PREFIX)]
        placing.clean(target)
        there = contents(target)
        assert _whole(there, old), (step, there)
        everything = set(there.values())
        for each in kept:
            if each.exists():
                everything |= set(contents(each).values())
        assert everything >= set(old.values()), step
        assert not list(target.glob(f"{PREFIX}*"))
        step += 1
    assert step > 5


def test_a_failure_half_way_puts_everything_back(tmp_path: Path) -> None:
    staged, target = _scene(tmp_path, OLD)
    (target / "b.duckdb").unlink()
    (target / "b.duckdb").mkdir()
    before = {name: data for name, data in OLD.items() if name != "b.duckdb"}
    members = {"b.duckdb": MEMBERS["b.duckdb"], "a.duckdb": MEMBERS["a.duckdb"]}
    with pytest.raises(AkoshaHookError, match="could not be put into"):
        placing.place(staged, staged.parent, target, members)
    assert contents(target) == before
    assert (target / "b.duckdb").is_dir()
    assert not list(target.glob("before-restore-*"))


def test_a_symlink_is_replaced_and_its_target_is_left_alone(tmp_path: Path) -> None:
    staged, target = _scene(tmp_path, {})
    elsewhere = tmp_path / "elsewhere.duckdb"
    elsewhere.write_bytes(b"real")
    (target / "b.duckdb").symlink_to(elsewhere)
    kept = placing.place(staged, staged.parent, target, {"b.duckdb": ["b.duckdb"]})
    assert elsewhere.read_bytes() == b"real"
    assert (target / "b.duckdb").read_bytes() == b"new b"
    assert kept is not None
    assert (kept / "b.duckdb").is_symlink()


def test_a_lock_taken_at_the_last_moment_stops_it(tmp_path: Path) -> None:
    staged, target = _scene(tmp_path, OLD)
    program = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(target / "b.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"process {holder.pid} has it open"):
            placing.place(staged, staged.parent, target, MEMBERS)
    finally:
        holder.communicate()
    assert contents(target) == OLD


def test_duckdbs_lock_is_held_while_files_move(tmp_path: Path) -> None:
    """Nobody can open the old database between the last look and its replacement."""
    _, target = _scene(tmp_path, OLD)
    program = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+b'); "
        "fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    command = [sys.executable, "-c", program, str(target / "a.duckdb")]
    with placing._locked(target / "a.duckdb"):
        assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode != 0
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.parametrize(
    ("kept", "database"),
    [("../outside", "a.duckdb"), (f"{placing.KEPT_PREFIX}x", "../outside/b.duckdb")],
)
def test_a_leftover_of_somebody_elses_making_cannot_move_files(
    tmp_path: Path, kept: str, database: str
) -> None:
    target = tmp_path / "data"
    leftover = target / f"{PREFIX}x"
    leftover.mkdir(parents=True)
    leftover.chmod(0o700)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.duckdb").write_bytes(b"theirs")
    (target / f"{placing.KEPT_PREFIX}x").mkdir()
    (target / "outside").mkdir()
    (target / "outside" / "b.duckdb").write_bytes(b"bait")
    (leftover / placing.JOURNAL).write_text(
        json.dumps({"kept": kept, "databases": [database], "inodes": {}})
    )
    placing.clean(target)
    assert contents(outside) == {"a.duckdb": b"theirs"}
    assert not leftover.exists()


def test_a_leftover_that_others_could_write_to_is_not_believed(tmp_path: Path) -> None:
    """In a directory that others may write to, such as one given by `--to`."""
    target = tmp_path / "data"
    leftover, kept = target / f"{PREFIX}x", target / f"{placing.KEPT_PREFIX}x"
    for directory in (leftover, kept):
        directory.mkdir(parents=True)
    leftover.chmod(0o777)
    (kept / "a.duckdb").write_bytes(b"theirs")
    (leftover / placing.JOURNAL).write_text(
        json.dumps({"kept": kept.name, "databases": ["a.duckdb"], "inodes": {}})
    )
    assert placing.clean(target) is False
    assert not (target / "a.duckdb").exists()
    assert not leftover.exists()


@pytest.mark.parametrize("step", range(3))
def test_ctrl_c_while_files_are_moved_undoes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """At each of the renames before the database itself is replaced."""
    staged, target = _scene(tmp_path, OLD)
    real = Path.rename
    moved: list[Path] = []

    def rename(path: Path, to: Path) -> Path:
        moved.append(path)
        if len(moved) == step + 1:
            raise KeyboardInterrupt
        return real(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        placing.place(staged, staged.parent, target, MEMBERS)
    assert contents(target) == OLD
    assert [path.name for path in target.iterdir() if path.is_dir()] == [staged.parent.name]
    assert not (staged.parent / placing.JOURNAL).exists()
