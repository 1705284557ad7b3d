"""What is known of databases that lost most of what was in them."""

from __future__ import annotations

import msgspec
import pytest

from akosha_hook.paths import Paths
from akosha_hook.state import collapsed, notice
from akosha_hook.state.receipt import Collapse
from tests.support.state_documents import TARGET, UPLOAD, WHEN

LOST = Collapse(
    name="reflection.duckdb",
    what="conversations",
    before=1200,
    now=3,
    upload_id=UPLOAD,
    since=WHEN,
)
ELSEWHERE = msgspec.structs.replace(TARGET, bucket="others")


@pytest.fixture
def known(paths: Paths) -> Paths:
    collapsed.remember(paths, TARGET, {LOST.name: LOST})
    return paths


def start_a_session(paths: Paths) -> None:
    """What the hook does."""
    if paths.notice.exists():
        paths.notice_shown.touch()


def test_it_is_kept_by_destination_until_the_user_has_looked(known: Paths) -> None:
    assert collapsed.at(known, TARGET) == {LOST.name: LOST}
    assert collapsed.at(known, ELSEWHERE) == {}
    collapsed.accept(known, TARGET, ["another.duckdb"], 6)
    assert collapsed.at(known, TARGET) == {LOST.name: LOST}
    collapsed.accept(known, TARGET, [LOST.name], 7)
    assert collapsed.at(known, TARGET) == {}
    assert collapsed.accepted(known, TARGET) == 7
    assert collapsed.accepted(known, ELSEWHERE) == 0


def test_nothing_is_written_where_nothing_is_new(paths: Paths) -> None:
    collapsed.remember(paths, TARGET, {})
    assert not paths.collapsed.exists()


def test_the_sentence_says_what_happened_and_what_to_type() -> None:
    assert collapsed.sentence(LOST) == (
        "reflection.duckdb had 1,200 conversations and has 3 now; upload "
        f"{UPLOAD} has the 1,200 and is kept. akosha-hook restore {UPLOAD} --file "
        "reflection.duckdb --to DIRECTORY brings them back; if it was meant: akosha-hook forget "
        "reflection.duckdb"
    )


def test_a_set_of_files_is_called_by_its_own_name() -> None:
    lost = msgspec.structs.replace(LOST, name="session-files.tar", what="files")
    assert "had 1,200 files and has 3 now" in collapsed.summary(lost)
    assert f"restore {UPLOAD} --file session-files --to" in collapsed.advice(lost)
    assert collapsed.advice(lost).endswith("akosha-hook forget session-files")


def test_one_session_start_tells_of_it_whatever_is_synced_before_and_after(known: Paths) -> None:
    for _ in range(2):
        notice.clear(known)
        assert "had 1,200 conversations" in known.notice.read_text()
    start_a_session(known)
    for _ in range(2):
        notice.clear(known)
        assert not known.notice.exists()
    assert collapsed.at(known, TARGET) == {LOST.name: LOST}


def test_a_failure_is_told_with_it_and_goes_on_being_told(known: Paths) -> None:
    notice.leave_failure(known, "No network.", "Try again.")
    assert "No network. Try again. reflection.duckdb had" in known.notice.read_text()
    start_a_session(known)
    notice.leave_failure(known, "No network.", "Try again.")
    assert "No network." in known.notice.read_text()
    assert "reflection.duckdb" not in known.notice.read_text()


def test_a_notice_that_was_shown_before_says_nothing_of_it(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    notice.leave_failure(paths, "No network.", "")
    start_a_session(paths)
    collapsed.remember(paths, TARGET, {LOST.name: LOST})
    notice.clear(paths)
    assert "had 1,200 conversations" in paths.notice.read_text()


def test_another_loss_of_the_same_database_is_told_again(known: Paths) -> None:
    notice.clear(known)
    start_a_session(known)
    notice.clear(known)
    fewer = msgspec.structs.replace(LOST, now=2)
    collapsed.remember(known, TARGET, {LOST.name: fewer})
    assert collapsed.unseen(known) == ()
    later = msgspec.structs.replace(LOST, now=0, since="2026-11-23T12:00:00.000+00:00")
    collapsed.remember(known, TARGET, {LOST.name: later})
    assert collapsed.unseen(known) == (collapsed.sentence(later),)
