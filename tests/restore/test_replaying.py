"""What Session-Buddy's first session left comes back as a database that its owner can open."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook import duckdb_reader, restore
from akosha_hook.errors import AkoshaHookError, BusyError, DamagedError, Kind
from akosha_hook.restore import RestoreRequest
from akosha_hook.restore import place as placing
from akosha_hook.restore.staging import KEPT
from akosha_hook.state import verification
from tests.support.duckdb_files import crash_after
from tests.support.first_session import make_first_session, open_plainly, rows_in
from tests.support.home import Home
from tests.support.recovery import contents, context, read_manifest, upload, write_manifest
from tests.support.waiting import until

NAME = "reflection.duckdb"


@pytest.fixture
def first_home(at_home: Home) -> Home:
    """The first session is over, and stored; the server was ended by SIGTERM."""
    (at_home.paths.data / NAME).unlink()
    make_first_session(at_home.paths.data / NAME, end=signal.SIGTERM)
    upload(at_home.paths)
    return at_home


def restored(
    home: Home, to: Path, *, force: bool = False, as_stored: bool = False
) -> restore.Restored:
    request = RestoreRequest(to=to, force=force, as_stored=as_stored)
    return restore.restore(request, context(home.paths))


def test_its_owner_can_open_it_and_finds_every_row(first_home: Home, tmp_path: Path) -> None:
    to = tmp_path / "restored"
    result = restored(first_home, to)
    open_plainly(to / NAME)
    assert rows_in(to / NAME) == rows_in(first_home.paths.data / NAME)
    assert sorted(contents(to)) == ["knowledge_graph.duckdb", NAME]
    assert result.replayed == (NAME,)
    (note,) = result.notes
    assert note.startswith(f"{NAME}: its write-ahead log was replayed, as Session-Buddy could not")
    assert note.endswith("; --as-stored gives the stored bytes.")
    assert not result.checks[NAME].problem


def test_in_place_the_old_log_goes_with_what_is_replaced(first_home: Home) -> None:
    before = contents(first_home.paths.data)
    rows = rows_in(first_home.paths.data / NAME)
    result = restore.restore(RestoreRequest(), context(first_home.paths))
    assert result.kept is not None
    assert contents(result.kept) == before
    open_plainly(first_home.paths.data / NAME)
    assert rows_in(first_home.paths.data / NAME) == rows
    assert upload(first_home.paths)


def test_as_stored_gives_the_stored_bytes(first_home: Home, tmp_path: Path) -> None:
    to = tmp_path / "restored"
    result = restored(first_home, to, as_stored=True)
    assert contents(to) == contents(first_home.paths.data)
    assert (result.replayed, result.notes) == ((), ())


def test_a_log_that_its_owner_can_replay_stays_as_it_was_stored(
    at_home: Home, tmp_path: Path
) -> None:
    crash_after(
        at_home.paths.data / NAME, "INSERT INTO conversations_v2 (id, content) VALUES (1, 2)"
    )
    upload(at_home.paths)
    assert restored(at_home, tmp_path / "restored").replayed == ()
    assert contents(tmp_path / "restored") == contents(at_home.paths.data)


def test_what_0_1_0_stored_is_replayed_too(first_home: Home, tmp_path: Path) -> None:
    """It noted no kind of database."""
    assert first_home.bucket is not None
    (newest,) = {each.upload_id for each in first_home.receipts()}
    document = read_manifest(first_home.bucket, newest)
    for each in document["metadata"]["files"]:
        each.pop("kind", None)
    write_manifest(first_home.bucket, newest, document, stored_by=first_home.paths)
    to = tmp_path / "restored"
    assert restored(first_home, to).replayed == (NAME,)
    open_plainly(to / NAME)


def test_verify_proves_it_and_says_what_a_restore_will_do(first_home: Home) -> None:
    result = restore.verify(RestoreRequest(), context(first_home.paths))
    assert result.replayed == (NAME,)
    (note,) = result.notes
    assert note.startswith(
        f"{NAME}: restore replays its write-ahead log, as Session-Buddy could not"
    )
    verdict = verification.last(first_home.paths)
    assert verdict is not None
    assert verdict.success


def test_one_that_cannot_be_replayed_is_refused_unless_as_it_was_stored(
    first_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise duckdb_reader.ReadError("The disk is full.", kind=Kind.FAILED)

    monkeypatch.setattr(duckdb_reader, "replay", fail)
    to = tmp_path / "restored"
    with pytest.raises(
        AkoshaHookError, match="could not be replayed here: The disk is full"
    ) as caught:
        restored(first_home, to, force=True)
    assert "restore --as-stored" in caught.value.hint
    assert list(contents(to)) == []
    restored(first_home, to, as_stored=True)
    assert contents(to) == contents(first_home.paths.data)


def test_what_is_damaged_is_given_by_force_as_it_was_stored(at_home: Home, tmp_path: Path) -> None:
    (at_home.paths.data / NAME).unlink()
    make_first_session(at_home.paths.data / NAME)
    wal = at_home.paths.data / f"{NAME}.wal"
    data = bytearray(wal.read_bytes())
    data[len(data) // 2] ^= 0xFF
    wal.write_bytes(data)
    upload(at_home.paths)
    with pytest.raises(DamagedError):
        restored(at_home, tmp_path / "restored")
    assert restored(at_home, tmp_path / "restored", force=True).replayed == ()
    assert contents(tmp_path / "restored") == contents(at_home.paths.data)


def test_a_replayed_copy_is_never_taken_for_the_stored_one(
    first_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is opened in the last moment: the copies stay for the next restore."""
    to = tmp_path / "restored"
    to.mkdir()

    def refuse(*_: object) -> None:
        raise BusyError("It is open.", hint="Close it.")

    with monkeypatch.context() as patch:
        patch.setattr(placing, "place", refuse)
        with pytest.raises(BusyError):
            restored(first_home, to)
    staged = to / KEPT / "whole"
    assert sorted(contents(staged)) == ["knowledge_graph.duckdb", NAME]
    restored(first_home, to, as_stored=True)
    assert contents(to) == contents(first_home.paths.data)


@pytest.mark.parametrize("left", ["replayed, with the log", "half written", "without its log"])
def test_whatever_a_killed_replay_left_is_downloaded_again(
    first_home: Home, tmp_path: Path, left: str
) -> None:
    to, stored = tmp_path / "restored", contents(first_home.paths.data)
    staged = to / KEPT / "whole"
    staged.mkdir(parents=True)
    (to / KEPT).chmod(0o700)
    for name, content in stored.items():
        (staged / name).write_bytes(content)
    if left == "without its log":
        (staged / f"{NAME}.wal").unlink()
    else:
        assert duckdb_reader.replay(staged / NAME, timeout_seconds=60)
        (staged / f"{NAME}.wal").write_bytes(stored[f"{NAME}.wal"])
        (staged / f"{NAME}.wal.checkpoint").write_bytes(b"other rows")
    if left == "half written":
        data = (staged / NAME).read_bytes()
        (staged / NAME).write_bytes(data[: len(data) // 2])
    assert restored(first_home, to).replayed == (NAME,)
    open_plainly(to / NAME)
    assert rows_in(to / NAME) == rows_in(first_home.paths.data / NAME)
    assert sorted(contents(to)) == ["knowledge_graph.duckdb", NAME]
    assert not (to / KEPT).exists()


def test_a_restore_that_is_killed_in_the_replay_is_repeated(at_home: Home, tmp_path: Path) -> None:
    (at_home.paths.data / NAME).unlink()
    make_first_session(
        at_home.paths.data / NAME,
        "INSERT INTO conversations_v2 (id, content, embedding) SELECT 'x' || i, repeat('y' || i, 9), "
        "list_transform(range(384), lambda x: random())::FLOAT[384] FROM range(3000) t(i)",
    )
    upload(at_home.paths)
    # Where it was quicker than we were, there is another attempt.
    to = next(each for each in (tmp_path / str(n) for n in range(9)) if _is_killed(at_home, each))
    again = at_home.akosha_hook("restore", "--to", str(to), "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["replayed"] == [NAME]
    open_plainly(to / NAME)
    assert rows_in(to / NAME) == rows_in(at_home.paths.data / NAME)
    assert not (to / KEPT).exists()


def _is_killed(home: Home, to: Path) -> bool:
    """Restore, and kill it when the checkpoint begins to write; whether that came in time."""
    staged = to / KEPT / "whole" / NAME
    stored = (home.paths.data / NAME).stat().st_size

    def is_written_to() -> bool:
        with contextlib.suppress(FileNotFoundError):
            return staged.stat().st_size > stored
        return (to / NAME).exists()

    with subprocess.Popen(
        [sys.executable, "-P", "-m", "akosha_hook", "restore", "--to", str(to)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    ) as command:
        until(is_written_to, "the checkpoint writes into the copy")
        command.kill()
    return staged.exists()
