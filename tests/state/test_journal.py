"""The journal of an unfinished upload: durable once saved, whatever is cut off, and gone at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook.state.journal import SUFFIX, Journal
from akosha_hook.util import files
from tests.support.state_documents import KEY, UPLOAD, whole_receipt

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


@pytest.fixture
def path(paths: Paths) -> Path:
    paths.receipts.mkdir(parents=True)
    return paths.receipts / (UPLOAD + SUFFIX)


def filled(path: Path | None) -> Journal:
    """A journal as it is in the middle of an upload."""
    journal = Journal(path)
    journal.snapshot = "20261122_120000-1"
    journal.partial = dict(whole_receipt().partial)
    journal.stored = {each.name: each for each in whole_receipt().files}
    return journal


def test_what_was_saved_is_read_again(path: Path) -> None:
    journal = filled(path)
    journal.save()
    again = Journal.read(path)
    assert again.snapshot == journal.snapshot
    assert again.partial == journal.partial
    assert again.stored == journal.stored
    assert again.progress == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_durable_before_it_is_saved(path: Path) -> None:
    filled(path)
    assert not path.exists()
    assert Journal.read(path).progress == 0


def test_cut_at_any_byte_it_is_set_aside_and_counts_as_empty(path: Path) -> None:
    filled(path).save()
    # The last byte is a newline that no reader needs.
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        journal = Journal.read(path)
        assert (journal.snapshot, journal.progress) == ("", 0), length
        assert not path.exists(), length
        assert path.with_name(path.name + ".corrupt").read_bytes() == whole[:length]


def test_what_a_receipt_of_0_1_holds_of_a_journal_is_read(path: Path) -> None:
    receipt = msgspec.structs.replace(whole_receipt(), state="uploading")
    journal = Journal.read(path, receipt)
    assert journal.snapshot == receipt.snapshot
    assert journal.partial == receipt.partial
    assert list(journal.stored.values()) == list(receipt.files)
    assert journal.progress == 2


def test_the_files_of_an_upload_that_ended_are_not_taken_for_stored_parts_of_it(path: Path) -> None:
    """In 0.1 a finished upload had them in the same place; what is to be aborted still counts."""
    journal = Journal.read(path, whole_receipt())
    assert journal.stored == {}
    assert list(journal.partial) == [KEY]


def test_its_own_file_wins_over_what_a_receipt_holds(path: Path) -> None:
    Journal(path).save()
    assert (
        Journal.read(path, msgspec.structs.replace(whole_receipt(), state="uploading")).progress
        == 0
    )


def test_closing_keeps_only_what_is_still_to_be_aborted(path: Path) -> None:
    journal = filled(path)
    journal.save()
    journal.close()
    kept = Journal.read(path)
    assert (kept.snapshot, kept.stored) == ("", {})
    assert list(kept.partial) == [KEY]
    journal.partial.clear()
    journal.close()
    assert not path.exists()


def test_closing_one_that_was_never_saved_is_fine(path: Path) -> None:
    Journal(path).close()
    assert not path.exists()


def test_without_a_path_nothing_is_written(path: Path) -> None:
    """For objects that nobody would continue, such as a probe of doctor."""
    journal = filled(None)
    journal.save()
    journal.close()
    assert list(path.parent.iterdir()) == []


def test_one_that_cannot_be_read_is_set_aside_and_never_deleted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path).save()
    saved = path.read_bytes()

    def fail_to_read(*_: object, **__: object) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(files, "read_bounded", fail_to_read)
        Journal.read(path).close()
    assert path.with_name(path.name + ".corrupt").read_bytes() == saved


def test_what_was_begun_to_be_copied_is_kept_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "x.journal"
    journal = Journal(path)
    journal.copying.add("a.duckdb")
    journal.save()
    assert Journal.read(path).copying == {"a.duckdb"}
    journal.close()
    assert not path.exists()
