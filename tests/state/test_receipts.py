"""Every receipt of this machine, read once, and kept alike in memory and on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from akosha_hook.state import block_hashes
from akosha_hook.state.journal import SUFFIX, Journal
from akosha_hook.state.receipt import Receipt, Target
from akosha_hook.state.receipts import Receipts
from akosha_hook.util import files
from akosha_hook.util.clock import now_iso
from tests.support.state_documents import KEY, TARGET, whole_receipt

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

LONG_AGO = "2020-01-01T00:00:00.000+00:00"
OTHER = Target(method="cloud", endpoint=TARGET.endpoint, bucket="other", system_id="laptop")
AKOSHA = Target(method="http", endpoint="http://localhost:8682", system_id="laptop")


def receipt(number: int, **changes: Any) -> Receipt:
    """A success without files, the `number`th of this machine."""
    described: dict[str, Any] = {
        "upload_id": f"20261122_1200{number:02}_laptop",
        "sequence": number,
        "files": (),
        "files_uploaded": (),
        "snapshot": "",
        "partial": {},
    }
    return msgspec.structs.replace(whole_receipt(), **{**described, **changes})


def ids(*receipts: Receipt) -> list[str]:
    return [each.upload_id for each in receipts]


def leave_journal(receipts: Receipts, upload_id: str) -> Journal:
    """Something unfinished in the bucket."""
    journal = receipts.new_journal(upload_id, "")
    journal.partial = dict(whole_receipt().partial)
    journal.save()
    return journal


def test_nothing_is_read_before_it_is_asked_for_and_nothing_twice(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        Receipts(paths).save(receipt(number))
    read: list[str] = []
    real = files.read_json

    def counted(path: Any, kind: Any) -> Any:
        read.append(path.name)
        return real(path, kind)

    monkeypatch.setattr(files, "read_json", counted)
    receipts = Receipts(paths)
    assert read == []
    receipts.newest_first()
    assert len(read) == 3
    receipts.last_success(TARGET)
    receipts.interrupted(TARGET)
    receipts.abandoned(TARGET)
    receipts.by_sequence()
    receipts.trim()
    receipts.save(receipt(3))
    receipts.newest_first()
    assert len(read) == 3


def test_a_saved_receipt_is_the_same_in_memory_and_on_disk(paths: Paths) -> None:
    receipts = Receipts(paths)
    assert receipts.newest_first() == ()
    receipts.save(receipt(1))
    receipts.save(receipt(2))
    receipts.save(receipt(1, error="changed"))
    assert receipts.newest_first() == Receipts(paths).newest_first()
    assert [each.error for each in receipts.newest_first()] == [None, "changed"]
    assert receipts.exists(receipt(1).upload_id)
    assert not receipts.exists("another")
    assert receipts.path_of(receipt(1).upload_id).stat().st_mode & 0o777 == 0o600


def test_one_that_cannot_be_read_is_set_aside_and_the_others_count(paths: Paths) -> None:
    Receipts(paths).save(receipt(1))
    damaged = paths.receipts / "20261122_120002_laptop.json"
    damaged.write_bytes(b'{"schema": 1')
    assert ids(*Receipts(paths).newest_first()) == ids(receipt(1))
    assert damaged.with_name(damaged.name + ".corrupt").exists()


def test_without_a_directory_there_is_none(paths: Paths) -> None:
    receipts = Receipts(paths)
    assert receipts.newest_first() == ()
    assert receipts.by_sequence() is None
    assert receipts.last_success(TARGET) is None
    assert receipts.abandoned(TARGET) == []


def test_the_last_success_is_the_highest_number_whatever_the_clock_said(paths: Paths) -> None:
    receipts = Receipts(paths)
    receipts.save(receipt(7, upload_id="20200101_000000_laptop"))
    receipts.save(receipt(5))
    receipts.save(receipt(8, success=False, state="failed"))
    receipts.save(receipt(9, destination=OTHER))
    last = receipts.last_success(TARGET)
    assert last is not None
    assert last.sequence == 7
    newest = receipts.by_sequence()
    assert newest is not None
    assert newest.sequence == 9


def test_an_interrupted_upload_is_of_its_own_destination(paths: Paths) -> None:
    receipts = Receipts(paths)
    receipts.save(receipt(1, state="uploading", success=False))
    receipts.save(receipt(2, state="uploading", success=False, destination=OTHER))
    receipts.save(receipt(3))
    interrupted = receipts.interrupted(TARGET)
    assert interrupted is not None
    assert interrupted.sequence == 1


def test_an_upload_that_ended_with_something_left_is_abandoned_until_that_is_gone(
    paths: Paths,
) -> None:
    receipts = Receipts(paths)
    receipts.save(receipt(1, state="failed", success=False))
    receipts.save(receipt(2))
    receipts.save(receipt(3, state="failed", success=False, destination=OTHER))
    receipts.save(receipt(4, state="uploading", success=False))
    for number in (1, 3, 4):
        leave_journal(Receipts(paths), receipt(number).upload_id)
    receipts = Receipts(paths)
    assert ids(*receipts.abandoned(TARGET)) == ids(receipt(1))
    journal = receipts.journal(receipts.abandoned(TARGET)[0])
    assert list(journal.partial) == [KEY]
    journal.partial.clear()
    receipts.aborted(receipt(1, state="failed", success=False), journal)
    assert receipts.abandoned(TARGET) == []
    assert Receipts(paths).abandoned(TARGET) == []
    assert not (paths.receipts / (receipt(1).upload_id + SUFFIX)).exists()


def test_what_0_1_left_to_be_aborted_is_abandoned_too(paths: Paths) -> None:
    """It kept that in the receipt itself."""
    left = receipt(1, state="failed", success=False, partial=dict(whole_receipt().partial))
    Receipts(paths).save(left)
    receipts = Receipts(paths)
    assert ids(*receipts.abandoned(TARGET)) == ids(left)
    journal = receipts.journal(left)
    journal.partial.clear()
    receipts.aborted(left, journal)
    assert receipts.abandoned(TARGET) == Receipts(paths).abandoned(TARGET) == []


def test_an_upload_that_fails_for_good_is_still_aborted(paths: Paths) -> None:
    receipts = Receipts(paths)
    unfinished = receipt(1, state="uploading", success=False)
    receipts.save(unfinished)
    leave_journal(receipts, unfinished.upload_id)
    receipts.fail(unfinished, "for a reason")
    for known in (receipts, Receipts(paths)):
        (failed,) = known.newest_first()
        assert (failed.state, failed.error) == ("failed", "for a reason")
        assert ids(*known.abandoned(TARGET)) == ids(unfinished)


def test_an_upload_that_ends_with_nothing_left_has_no_journal(paths: Paths) -> None:
    receipts = Receipts(paths)
    journal = receipts.new_journal(receipt(1).upload_id, "snapshot")
    journal.save()
    receipts.closed(receipt(1), journal)
    assert ids(*Receipts(paths).newest_first()) == ids(receipt(1))
    assert list(paths.receipts.glob("*" + SUFFIX)) == []


@pytest.mark.parametrize(
    ("changes", "superseded_by", "error"),
    [
        ({}, None, None),
        ({}, "newer", "Superseded by newer."),
        ({"destination": OTHER}, "newer", None),
        ({"destination": OTHER, "started": LONG_AGO}, None, "not continued for a week"),
        ({"destination": AKOSHA, "method": "http"}, None, "push to Akosha was interrupted"),
    ],
    ids=["may be continued", "superseded", "elsewhere", "forgotten elsewhere", "push"],
)
def test_an_unfinished_upload_fails_once_nobody_will_continue_it(
    paths: Paths, changes: dict[str, Any], superseded_by: str | None, error: str | None
) -> None:
    described = {"started": now_iso(), **changes}
    receipts = Receipts(paths)
    receipts.save(receipt(1, state="uploading", success=False, **described))
    receipts.fail_unfinished(TARGET, superseded_by=superseded_by)
    (only,) = receipts.newest_first()
    assert only.state == ("failed" if error else "uploading")
    assert (error or "") in (only.error or "")


def test_trimming_keeps_the_newest_and_what_they_refer_to(paths: Paths) -> None:
    receipts = Receipts(paths)
    base, referring = receipt(1), receipt(9)
    (file,) = whole_receipt().files
    assert file.delta is not None
    key = f"systems/laptop/uploads/{base.upload_id}/reflection.duckdb"
    delta = msgspec.structs.replace(file.delta, base_key=key)
    own = KEY.replace(whole_receipt().upload_id, referring.upload_id)
    file = msgspec.structs.replace(file, key=own, delta=delta)
    receipts.save(base)
    for number in range(2, 9):
        receipts.save(receipt(number))
    receipts.save(msgspec.structs.replace(referring, files=(file,)))
    receipts.trim(keep=2)
    expected = ids(referring, receipt(8), base)
    assert ids(*receipts.newest_first()) == expected
    assert ids(*Receipts(paths).newest_first()) == expected


def test_trimming_keeps_what_is_to_be_continued_or_aborted(paths: Paths) -> None:
    receipts = Receipts(paths)
    receipts.save(receipt(1, state="uploading", success=False))
    receipts.save(receipt(2, state="failed", success=False))
    receipts.save(receipt(3, state="failed", success=False))
    leave_journal(receipts, receipt(2).upload_id)
    receipts = Receipts(paths)
    receipts.trim(keep=0)
    assert ids(*receipts.newest_first()) == ids(receipt(2), receipt(1))


def test_trimming_removes_journals_and_block_hashes_that_belong_to_nothing(paths: Paths) -> None:
    receipts = Receipts(paths)
    receipts.save(receipt(1))
    for upload_id in (receipt(1).upload_id, "20200101_000000_laptop"):
        key = f"systems/laptop/uploads/{upload_id}/reflection.duckdb"
        block_hashes.save(paths, key, sha256="0" * 64, size=0, hashes=b"")
        leave_journal(receipts, upload_id)
    Receipts(paths).newest_first()
    receipts = Receipts(paths)
    receipts.trim()
    assert sorted(each.name for each in paths.receipts.iterdir()) == sorted(
        [
            f"{receipt(1).upload_id}.json",
            f"{receipt(1).upload_id}{SUFFIX}",
            f"{receipt(1).upload_id}.reflection.duckdb.blocks",
        ]
    )


def test_what_0_1_left_is_known_at_every_moment_of_giving_it_up(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the receipt and the journal, the next run still aborts it."""
    left = receipt(1, state="uploading", success=False, partial=dict(whole_receipt().partial))
    Receipts(paths).save(left)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "close", kill)
        with pytest.raises(KeyboardInterrupt):
            Receipts(paths).fail(left, "for a reason")
    after = Receipts(paths)
    (failed,) = after.abandoned(TARGET)
    assert after.journal(failed).partial == whole_receipt().partial


def kill(_: Journal) -> None:
    raise KeyboardInterrupt


def test_a_copy_of_a_receipt_under_another_name_does_no_harm(paths: Paths) -> None:
    receipts = Receipts(paths)
    for number in (1, 2):
        receipts.save(receipt(number))
    data = receipts.path_of(receipt(1).upload_id).read_bytes()
    for name in ("0.json", "zz (conflicted copy).json"):
        (paths.receipts / name).write_bytes(data)
    receipts = Receipts(paths)
    assert ids(*receipts.newest_first()) == ids(receipt(2), receipt(1))
    assert receipts.exists("0")
    receipts.trim(keep=0)
    assert ids(*receipts.newest_first()) == ids(receipt(2))


def test_of_equal_numbers_the_newest_success_is_the_last(paths: Paths) -> None:
    for number in (3, 1, 2):
        Receipts(paths).save(receipt(number, sequence=7))
    last = Receipts(paths).last_success(TARGET)
    assert last is not None
    assert ids(last) == ids(receipt(3))


def test_the_journal_of_a_receipt_that_cannot_be_read_now_is_kept(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    Receipts(paths).save(receipt(1, state="uploading", success=False))
    leave_journal(Receipts(paths), receipt(1).upload_id)
    with monkeypatch.context() as patch:
        patch.setattr(files, "read_bounded", fail_to_read)
        receipts = Receipts(paths)
        assert receipts.newest_first() == ()
        receipts.trim()
    receipts = Receipts(paths)
    (unfinished,) = receipts.newest_first()
    assert receipts.journal(unfinished).partial


def fail_to_read(*_: object, **__: object) -> bytes:
    raise OSError(5, "Input/output error")


def test_what_another_machine_began_is_dropped_and_never_aborted(paths: Paths) -> None:
    receipts = Receipts(paths)
    running = receipt(1, state="uploading", success=False, machine_id="original")
    failed = receipt(2, state="failed", success=False, error="no", machine_id="original")
    mine = receipt(3, state="uploading", success=False, machine_id="me")
    done = receipt(4, machine_id="original")
    for each in (running, failed, mine, done):
        receipts.save(each)
        if each is not done:
            leave_journal(receipts, each.upload_id)
    before = paths.receipts.joinpath(f"{mine.upload_id}{SUFFIX}").read_bytes()
    receipts = Receipts(paths)
    receipts.disown("me")
    for again in (receipts, Receipts(paths)):
        assert again.interrupted(TARGET) == mine
        assert again.abandoned(TARGET) == []
        by_id = {each.upload_id: each for each in again.newest_first()}
        assert by_id[running.upload_id].state == "failed"
        assert "copy of" in str(by_id[running.upload_id].error)
        assert by_id[failed.upload_id].error == "no"
        assert by_id[done.upload_id] == done
    journals = [each.name for each in paths.receipts.glob(f"*{SUFFIX}")]
    assert journals == [f"{mine.upload_id}{SUFFIX}"]
    assert paths.receipts.joinpath(journals[0]).read_bytes() == before


def test_what_failed_uploads_may_have_left_is_known_until_it_is_cleared(paths: Paths) -> None:
    receipts = Receipts(paths)
    file = whole_receipt().files[0]
    stored = receipt(1, state="failed", success=False, files=(file,))
    begun = receipt(2, state="failed", success=False, leftovers=True)
    for each in (
        stored,
        begun,
        receipt(3, state="failed", success=False),
        receipt(4, state="failed", success=False, leftovers=True, destination=OTHER),
        receipt(5, files=(file,)),
    ):
        receipts.save(each)
    assert ids(*receipts.leftovers(TARGET)) == ids(begun, stored)
    for each in receipts.leftovers(TARGET):
        receipts.cleared(each)
    assert Receipts(paths).leftovers(TARGET) == []


def test_an_upload_that_is_given_up_keeps_what_it_had_stored(paths: Paths) -> None:
    receipts = Receipts(paths)
    running = receipt(1, state="uploading", success=False)
    journal = receipts.new_journal(running.upload_id, "snapshot")
    file = whole_receipt().files[0]
    journal.stored[file.name] = file
    journal.save()
    receipts.save(running)
    assert receipts.keys_in_use() == {KEY}
    receipts.fail(running, "superseded")
    (left,) = Receipts(paths).leftovers(TARGET)
    assert left.files == (file,)
    assert receipts.keys_in_use() == set()


def flipped(data: bytes, bit: int) -> bytes:
    position, shift = divmod(bit, 8)
    return data[:position] + bytes([data[position] ^ 1 << shift]) + data[position + 1 :]


def test_any_bit_that_flips_in_a_receipt_is_noticed_or_changes_nothing(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every bit, of a receipt as an upload with a delta leaves it."""
    Receipts(paths).save(whole_receipt())
    path = Receipts(paths).path_of(whole_receipt().upload_id)
    whole = path.read_bytes()
    altered = 0
    for bit in range(len(whole) * 8):
        monkeypatch.setattr(files, "read_bounded", lambda _, bit=bit: flipped(whole, bit))
        read = files.peek_json(path, Receipt)
        altered += read is None
        assert read is None or read == whole_receipt(), bit
    # Left are those within the name of the key itself.
    assert len(whole) * 8 - altered <= len('"checksum"') * 8


@pytest.mark.parametrize("name", ["receipt", "journal"])
def test_what_a_flipped_bit_altered_is_set_aside_and_the_log_says_so(
    paths: Paths, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A size that is still a size: nothing but the checksum can tell."""
    receipts = Receipts(paths)
    receipts.save(receipt(1))
    damaged = msgspec.structs.replace(whole_receipt(), state="uploading")
    receipts.save(damaged)
    leave_journal(receipts, damaged.upload_id)
    path = receipts.path_of(damaged.upload_id)
    if name == "journal":
        path = path.with_suffix(SUFFIX)
    whole = path.read_bytes()
    assert b'"size": 10' in whole
    path.write_bytes(whole.replace(b'"size": 10', b'"size": 11'))
    if name == "receipt":
        assert ids(*Receipts(paths).newest_first()) == ids(receipt(1))
    else:
        assert Receipts(paths).journal(receipt(1, upload_id=damaged.upload_id)).partial == {}
    assert not path.exists()
    assert path.with_name(path.name + ".corrupt").exists()
    assert f"{path.name} was altered: its checksum does not fit" in caplog.text


def test_a_receipt_of_0_1_has_no_checksum_and_gets_one_when_it_is_written_again(
    paths: Paths,
) -> None:
    files.private_directory(paths.receipts)
    path = Receipts(paths).path_of(receipt(1).upload_id)
    files.write_json(path, receipt(1))
    assert b'"checksum"' not in path.read_bytes()
    assert Receipts(paths).newest_first() == (receipt(1),)
    Receipts(paths).save(receipt(1))
    assert b'"checksum"' in path.read_bytes()
