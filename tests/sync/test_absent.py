"""Which databases are absent, why, and since when."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from akosha_hook.context import Context
from akosha_hook.format.manifest import Stale
from akosha_hook.paths import Paths
from akosha_hook.settings import Loaded, Settings
from akosha_hook.snapshot import Skipped, Snapshot
from akosha_hook.sync.absent import absent, marked, with_absent
from akosha_hook.sync.known import last_good
from tests.support.state_documents import WHEN, whole_receipt

NAME = "reflection.duckdb"


def ours(_: object) -> bool:
    return True


GOOD = last_good(whole_receipt(), ours, ())


def context_of(paths: Paths, *names: str) -> Context:
    values = Settings(akosha_databases=names or (NAME,))
    return Context(Loaded(values, {}), paths, {})


def without(*skipped: Skipped) -> Snapshot:
    return Snapshot(Path("none"), (), (), skipped)


def test_what_the_snapshot_found_is_not_absent() -> None:
    assert absent(without(), GOOD) == (NAME,)
    assert absent(Snapshot(Path("none"), (), (NAME,)), GOOD) == ()


@pytest.mark.parametrize(
    ("selected", "reason", "words"),
    [
        ((NAME,), "missing", "is no longer in"),
        (("*.duckdb",), "missing", "is no longer in"),
        (("other*",), "excluded", "is not among akosha_databases"),
    ],
)
def test_its_message_names_the_last_good_copy(
    paths: Paths, selected: tuple[str, ...], reason: str, words: str
) -> None:
    (skipped,) = with_absent(without(), GOOD, context_of(paths, *selected)).skipped
    assert (skipped.name, skipped.reason, skipped.as_of) == (NAME, reason, WHEN)
    assert words in skipped.message
    assert "as of 2026-11-22 12:00 UTC" in skipped.message
    assert f"akosha-hook forget {NAME}" in skipped.message


@pytest.mark.parametrize(
    ("included", "reason", "words"),
    [
        (("session-files",), "missing", "session-files has no files any more"),
        ((), "excluded", "session-files is not among akosha_include"),
    ],
)
def test_a_set_without_files_is_named_like_a_database(
    paths: Paths, included: tuple[str, ...], reason: str, words: str
) -> None:
    item = "session-files.tar"
    good = {
        item: msgspec.structs.replace(GOOD[NAME], name=item, database=item, kind="files"),
    }
    values = Settings(akosha_include=included)
    (skipped,) = with_absent(without(), good, Context(Loaded(values, {}), paths, {})).skipped
    assert (skipped.name, skipped.reason, skipped.as_of) == (item, reason, WHEN)
    assert skipped.message.startswith(words)


def test_what_is_known_already_is_not_said_otherwise(paths: Paths) -> None:
    busy = Skipped(NAME, "busy", "it moved")
    (skipped,) = with_absent(without(busy), GOOD, context_of(paths)).skipped
    assert (skipped.reason, skipped.message, skipped.as_of) == ("busy", "it moved", WHEN)
    assert with_absent(without(), GOOD, context_of(paths), said={NAME}).skipped == ()


def test_one_that_is_there_and_not_in_the_snapshot_is_not_called_missing(paths: Paths) -> None:
    paths.data.mkdir(parents=True)
    (paths.data / NAME).write_bytes(b"")
    (skipped,) = with_absent(without(), GOOD, context_of(paths)).skipped
    assert skipped.reason == "skipped"


def test_the_last_receipt_keeps_since_when(paths: Paths) -> None:
    gone = without(Skipped(NAME, "empty", "is empty"))
    first = marked(whole_receipt(), gone, GOOD, same=True)
    stale = first.files[0].stale
    assert stale is not None
    assert (stale.reason, stale.as_of) == ("empty", WHEN)
    later = marked(first, without(), last_good(first, ours, ()), same=False)
    assert later.files[0].stale == msgspec.structs.replace(stale, reason="skipped")
    back = Snapshot(Path("none"), (), (NAME,))
    assert marked(first, back, last_good(first, ours, ()), same=True).files[0].stale is None


def test_what_is_forgotten_is_left_as_it_is() -> None:
    stale = Stale(reason="missing", since=WHEN, as_of=WHEN)
    file = msgspec.structs.replace(whole_receipt().files[0], stale=stale)
    receipt = msgspec.structs.replace(whole_receipt(), files=(file,))
    assert marked(receipt, without(), {}, same=True) == receipt
