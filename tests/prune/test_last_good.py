"""Which upload has the last good copy of a database that the latest one lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.catalog import Upload
from akosha_hook.format import manifest
from akosha_hook.prune.last_good import last_good_copies

if TYPE_CHECKING:
    pass


def upload(number: int, *databases: str, lost: str = "", content: int = 0) -> Upload:
    """One that holds `databases`, each as it was then; the object of `lost` is gone."""
    prefix = manifest.prefix("laptop", f"u{number}")
    files = tuple(
        manifest.StoredFile(
            name=name,
            database=name,
            key=prefix + name,
            size=1,
            stored_size=1,
            sha256=f"{content or number:064d}",
            compression="identity",
        )
        for name in databases
    )
    details = manifest.Details(
        schema=1,
        tool="test",
        system_id="laptop",
        machine_id="m",
        upload_id=f"u{number}",
        sequence=number,
        files=files,
    )
    document = manifest.Manifest(
        uploaded_at="2026-01-01T00:00:00+00:00",
        conversation_count=0,
        total_size_bytes=0,
        files=(),
        metadata=details,
    )
    missing = (prefix + lost,) if lost else ()
    return Upload("laptop", f"u{number}", (), document, missing=missing)


def test_nothing_is_missed_where_the_latest_upload_has_all() -> None:
    assert last_good_copies([upload(2, "a", "b"), upload(1, "a", "b")], ()) == {}


def test_the_newest_upload_that_has_it_is_named() -> None:
    uploads = [upload(5, "a"), upload(4, "a"), upload(3, "a", "b"), upload(2, "b", "c")]
    assert last_good_copies(uploads, ()) == {"u3": ("b",), "u2": ("c",)}


def test_what_was_forgotten_is_not_missed() -> None:
    uploads = [upload(2, "a"), upload(1, "a", "b", "c")]
    assert last_good_copies(uploads, {"b"}) == {"u1": ("c",)}


def test_an_upload_that_lacks_another_database_still_has_the_last_good_copy_of_one() -> None:
    uploads = [upload(3, "a"), upload(2, "a", "b", lost="a"), upload(1, "a")]
    assert last_good_copies(uploads, ()) == {"u2": ("b",)}


def test_a_copy_that_is_gone_is_none() -> None:
    uploads = [upload(3, "a"), upload(2, "b", lost="b"), upload(1, "b")]
    assert last_good_copies(uploads, ()) == {"u1": ("b",)}


def test_without_any_complete_upload_every_copy_counts() -> None:
    uploads = [upload(2, "a", "b", lost="b"), upload(1, "b", "c", lost="c")]
    assert last_good_copies(uploads, ()) == {"u2": ("a",), "u1": ("b",)}


def test_a_copy_newer_than_the_latest_complete_upload_is_kept() -> None:
    """The upload that has it lacks another database, and the latest complete one is older."""
    uploads = [upload(3, "a", "b", lost="b"), upload(2, "a", "b"), upload(1, "a", "b", "c")]
    assert last_good_copies(uploads, ()) == {"u3": ("a",), "u1": ("c",)}


def test_an_older_copy_of_what_is_forgotten_is_not_kept_either() -> None:
    uploads = [upload(2, "a", "b", lost="b"), upload(1, "a", "b")]
    assert last_good_copies(uploads, {"a"}) == {}


def test_a_newer_copy_of_the_same_content_is_not_needed() -> None:
    uploads = [upload(2, "a", "b", lost="b", content=1), upload(1, "a", "b")]
    assert last_good_copies(uploads, ()) == {}
