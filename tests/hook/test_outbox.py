from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akosha_hook.hook import outbox
from akosha_hook.hook.event import EVENTS, MAX_STDIN_BYTES, file_name

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


def leave(paths: Paths, name: str, content: bytes = b"post-commit\n/srv\n") -> Path:
    paths.outbox.mkdir(parents=True, exist_ok=True)
    path = paths.outbox / name
    path.write_bytes(content)
    return path


def names(paths: Paths) -> set[str]:
    return {path.name for path in paths.outbox.iterdir()}


def test_a_recorded_event_waits_until_it_is_acknowledged(paths: Paths, tmp_path: Path) -> None:
    before = int(time.time())
    path = outbox.record(paths, "post-commit", tmp_path, b"old new\n")
    (event,) = outbox.waiting(paths)
    assert (event.name, event.directory, event.path) == ("post-commit", tmp_path, path)
    assert before <= event.epoch <= time.time()
    assert path.read_bytes() == b"post-commit\n%s\nold new\n" % os.fsencode(tmp_path)
    outbox.acknowledge([event])
    outbox.acknowledge([event])
    assert outbox.waiting(paths) == ()


def test_only_the_user_can_read_events(paths: Paths) -> None:
    path = outbox.record(paths, "session-end", None, b"{}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.outbox.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o700


def test_events_of_one_second_do_not_replace_each_other(paths: Paths) -> None:
    for _ in range(5):
        outbox.record(paths, "post-commit", None, b"")
    assert len(outbox.waiting(paths)) == 5


def test_of_a_long_stdin_only_the_beginning_is_kept(paths: Paths) -> None:
    path = outbox.record(paths, "session-end", None, b"x" * (MAX_STDIN_BYTES + 1))
    assert path.stat().st_size == len(b"session-end\n\n") + MAX_STDIN_BYTES
    assert len(outbox.waiting(paths)) == 1


def test_a_failed_record_leaves_nothing_behind(paths: Paths) -> None:
    paths.outbox.mkdir(parents=True)
    with pytest.raises(OSError, match="name"):
        outbox.record(paths, "x" * 300, None, b"")
    assert names(paths) == set()


def test_events_come_oldest_first_whatever_the_number_of_digits(paths: Paths) -> None:
    for epoch in (1000, 999, 20, 100_000):
        leave(paths, file_name(epoch, 1, "post-commit"))
    assert [event.epoch for event in outbox.waiting(paths)] == [20, 999, 1000, 100_000]


def test_the_newest_thousand_are_kept(paths: Paths) -> None:
    for epoch in range(1, 1006):
        leave(paths, file_name(epoch, 1, "post-commit"))
    events = outbox.waiting(paths)
    assert [event.epoch for event in events] == list(range(6, 1006))
    assert len(names(paths)) == 1000


def test_without_an_outbox_nothing_waits(paths: Paths) -> None:
    assert outbox.waiting(paths) == ()
    paths.state.mkdir(parents=True)
    paths.outbox.write_text("a file where the directory should be")
    assert outbox.waiting(paths) == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("1-2-post-commit.event", b""),
        ("1-2-post-commit.event", b"\x00\xff garbage"),
        ("1-2-post-commit.event", b"rm -rf /\n/srv\n"),
        ("garbage.event", b"post-commit\n/srv\n"),
    ],
)
def test_what_is_no_event_is_set_aside_and_the_others_go_on(
    paths: Paths, name: str, content: bytes
) -> None:
    leave(paths, name, content)
    good = leave(paths, "3-4-post-commit.event")
    assert [event.path for event in outbox.waiting(paths)] == [good]
    assert names(paths) == {good.name, f"{name}.corrupt"}
    assert [path.name for path in outbox.corrupt(paths)] == [f"{name}.corrupt"]


def test_an_event_larger_than_any_hook_writes_is_set_aside(paths: Paths) -> None:
    leave(paths, "1-2-session-end.event", b"session-end\n\n" + b"x" * (2 * MAX_STDIN_BYTES))
    assert outbox.waiting(paths) == ()
    assert names(paths) == {"1-2-session-end.event.corrupt"}


def test_symlinks_pipes_and_directories_are_set_aside_unread(paths: Paths, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"post-commit\n/srv\n")
    paths.outbox.mkdir(parents=True)
    (paths.outbox / "1-1-post-commit.event").symlink_to(secret)
    os.mkfifo(paths.outbox / "2-2-post-commit.event")
    (paths.outbox / "3-3-post-commit.event").mkdir()
    assert outbox.waiting(paths) == ()
    assert all(name.endswith(".corrupt") for name in names(paths))
    assert len(names(paths)) == 3
    assert secret.exists()


def test_a_hook_in_the_middle_of_writing_is_left_alone(paths: Paths) -> None:
    temporary = leave(paths, ".77-post-commit.tmp")
    assert outbox.waiting(paths) == ()
    assert temporary.exists()


def test_a_whole_event_of_a_dead_hook_is_taken_in(paths: Paths) -> None:
    temporary = leave(paths, ".77-post-commit.tmp")
    os.utime(temporary, (1_600_000_000, 1_600_000_000))
    (event,) = outbox.waiting(paths)
    assert (event.epoch, event.path.name) == (1_600_000_000, "1600000000-77-post-commit.event")
    assert names(paths) == {event.path.name}


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_half_an_event_of_a_dead_hook_is_removed(paths: Paths, seconds: int) -> None:
    """Also where the clock was set back since."""
    temporary = leave(paths, ".77-post-commit.tmp", b"post-com")
    at = time.time() + seconds
    os.utime(temporary, (at, at))
    assert outbox.waiting(paths) == ()
    assert names(paths) == set()


FILE_NAMES = st.one_of(
    st.builds(
        file_name,
        st.integers(0, 10**12),
        st.integers(0, 10**12),
        st.sampled_from([*sorted(EVENTS), "pre-commit", ""]),
    ),
    st.text(
        st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
    )
    .filter(lambda name: name not in {".", ".."})
    .map(lambda name: name + ".event"),
)
CONTENT = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda name, rest: name.encode() + b"\n" + rest,
        st.sampled_from(sorted(EVENTS)),
        st.binary(max_size=200),
    ),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(FILE_NAMES, CONTENT, max_size=5))
def test_whatever_lies_in_the_outbox_is_an_event_or_set_aside(
    paths: Paths, files: dict[str, bytes]
) -> None:
    paths.outbox.mkdir(parents=True, exist_ok=True)
    for old in paths.outbox.iterdir():
        old.unlink()
    for name, content in files.items():
        leave(paths, name, content)
    events = outbox.waiting(paths)
    kept = {event.path.name for event in events}
    assert {name.removesuffix(".corrupt") for name in names(paths) - kept} == set(files) - kept
    assert [event.epoch for event in events] == sorted(event.epoch for event in events)
    for event in events:
        assert files[event.path.name].startswith(event.name.encode() + b"\n")
    outbox.acknowledge(events)
    assert outbox.waiting(paths) == ()
