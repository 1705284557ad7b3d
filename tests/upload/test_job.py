"""What an upload is: a snapshot, whose it is, and under which name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.settings import Settings
from akosha_hook.snapshot import Skipped
from akosha_hook.state.journal import Journal
from akosha_hook.upload.job import Uploaded
from tests.support.jobs import UPLOAD, frozen, job
from tests.support.state_documents import whole_receipt

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


def test_its_objects_lie_below_its_own_prefix(paths: Paths) -> None:
    upload = job(paths, frozen(paths, reflection=b"x"))
    assert upload.key("manifest.json") == f"systems/laptop/uploads/{UPLOAD}/manifest.json"


def test_the_settings_are_those_of_the_context(paths: Paths) -> None:
    settings = Settings(akosha_enable_delta=False)
    assert job(paths, frozen(paths, reflection=b"x"), settings).settings is settings


def test_without_a_counter_no_number_of_conversations_is_known(paths: Paths) -> None:
    upload = job(paths, frozen(paths, reflection=b"x"))
    assert [upload.conversations(each) for each in upload.snapshot.databases] == [None]


def test_only_what_it_stored_itself_counts_as_its_objects() -> None:
    (uploaded,) = whole_receipt().files
    other = msgspec.structs.replace(uploaded, name="other.duckdb", key="systems/x/uploads/y/z")
    prefix = uploaded.key.removesuffix(uploaded.name)
    assert Uploaded((uploaded, other), prefix).keys == (uploaded.key,)


def test_why_databases_are_missing_is_known_whenever_the_snapshot_was_taken(paths: Paths) -> None:
    """One that was continued was frozen by another process; the journal has its reasons."""
    snapshot = replace(
        frozen(paths, reflection=b"x"), skipped=(Skipped("busy.duckdb", "busy", "it is busy"),)
    )
    journal = Journal(None)
    journal.skipped = {"old.duckdb": "empty", "reflection.duckdb": "busy"}
    assert job(paths, snapshot, journal=journal).skipped == {
        "old.duckdb": "empty",
        "busy.duckdb": "busy",
    }
