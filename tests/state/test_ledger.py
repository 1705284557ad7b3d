"""The ledger: every upload of this state, whatever happens to the file."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akosha_hook.state.identity import Identity
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.ledger_lines import NO_MANIFEST, Entry, store_name
from akosha_hook.util import files
from tests.support.state_documents import TARGET, UPLOAD, whole_receipt

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

ME, OTHER = "m", "another"
DIGEST = "a" * 64


def entry(upload: str = UPLOAD, *, machine: str = ME, sha256: str = DIGEST) -> Entry:
    return Entry(
        upload=upload,
        system="laptop",
        machine=machine,
        store=store_name(TARGET),
        sha256=sha256,
    )


def test_what_is_entered_is_there_for_the_next_process(paths: Paths) -> None:
    Ledger(paths).add(entry("a"))
    Ledger(paths).add(entry("b", machine=OTHER))
    ledger = Ledger(paths)
    assert ledger.own(ME) == {"a"}
    assert ledger.own(OTHER) == {"b"}
    assert ledger.entry("a") == entry("a")
    assert ledger.entry("c") is None


def test_it_is_private(paths: Paths) -> None:
    Ledger(paths).add(entry())
    assert stat.S_IMODE(paths.ledger.stat().st_mode) == 0o600


def test_a_later_line_of_an_upload_counts(paths: Paths) -> None:
    ledger = Ledger(paths)
    ledger.add(entry(sha256=NO_MANIFEST))
    ledger.add(entry())
    ledger.add(entry())
    assert Ledger(paths).entry(UPLOAD) == entry()
    assert len(paths.ledger.read_bytes().splitlines()) == 2


def test_the_newest_of_a_store_and_machine_is_known(paths: Paths) -> None:
    ledger = Ledger(paths)
    for each in (
        entry("20261122_120000_laptop_000000"),
        entry("20261123_120000_laptop_000000"),
        entry("20261124_120000_laptop_000000", machine=OTHER),
        msgspec.structs.replace(entry("20261125_120000_laptop_000000"), store="elsewhere"),
    ):
        ledger.add(each)
    newest = ledger.newest(TARGET, ME)
    assert newest is not None
    assert newest.upload == "20261123_120000_laptop_000000"
    assert ledger.newest(msgspec.structs.replace(TARGET, bucket="other"), ME) is None


def test_only_what_was_deleted_goes(paths: Paths) -> None:
    ledger = Ledger(paths)
    for name in "abc":
        ledger.add(entry(name))
    ledger.remove({"a", "c", "never there"})
    assert ledger.own(ME) == Ledger(paths).own(ME) == {"b"}


def test_it_begins_with_what_receipts_say_and_refer_to(paths: Paths) -> None:
    """Those of 0.1, which kept no ledger; no hash of a manifest is known then."""
    receipt = whole_receipt()
    (file,) = receipt.files
    assert file.delta is not None
    base = file.delta.base_key.replace(UPLOAD, "20260101_120000_laptop")
    delta = msgspec.structs.replace(file.delta, base_key=base)
    receipt = msgspec.structs.replace(receipt, files=(msgspec.structs.replace(file, delta=delta),))
    pushed = msgspec.structs.replace(receipt, method="http", upload_id="pushed", files=())
    ledger = Ledger(paths)
    ledger.begin([receipt, pushed], 7)
    assert ledger.own(ME) == {UPLOAD, "20260101_120000_laptop"}
    assert ledger.since == Ledger(paths).since == 7
    known = ledger.entry(UPLOAD)
    assert known is not None
    assert known.vouches_for("f" * 64)


def test_it_begins_once(paths: Paths) -> None:
    Ledger(paths).begin([], 7)
    Ledger(paths).add(entry())
    again = Ledger(paths)
    again.begin([msgspec.structs.replace(whole_receipt(), upload_id="later")], 9)
    assert again.since == 7
    assert again.own(ME) == {UPLOAD}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(cut=st.integers(0, 10_000))
def test_cut_at_any_byte_only_the_line_that_was_cut_is_lost(paths: Paths, cut: int) -> None:
    paths.ledger.unlink(missing_ok=True)
    ledger = Ledger(paths)
    ledger.begin([], 7)
    for name in "abc":
        ledger.add(entry(name))
    whole = paths.ledger.read_bytes()
    left = whole[: cut % (len(whole) + 1)]
    paths.ledger.write_bytes(left)
    # A line that lacks nothing but its end is whole.
    lines = left.count(b"\n") + whole[len(left) :].startswith(b"\n")
    names = "abc"[: max(0, lines - 1)]
    assert Ledger(paths).own(ME) == set(names)
    after = Ledger(paths)
    after.add(entry("d"))
    assert Ledger(paths).own(ME) == {*names, "d"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(where=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_costs_at_most_its_line_and_is_kept_aside(
    paths: Paths, where: int, bit: int
) -> None:
    paths.ledger.unlink(missing_ok=True)
    aside = paths.ledger.with_name("ledger.corrupt")
    aside.unlink(missing_ok=True)
    ledger = Ledger(paths)
    for name in "abc":
        ledger.add(entry(name))
    data = bytearray(paths.ledger.read_bytes())
    data[where % len(data)] ^= 1 << bit
    paths.ledger.write_bytes(data)
    own = Ledger(paths).own(ME)
    assert own < {"a", "b", "c"}
    assert len(own) >= 1
    assert aside.read_bytes() == data
    assert Ledger(paths).own(ME) == own


def test_a_newer_version_may_have_added_something(paths: Paths) -> None:
    import hashlib

    document = msgspec.json.encode({"entry": msgspec.to_builtins(entry()), "colour": "red"})
    line = hashlib.sha256(document).hexdigest()[:8].encode() + b" " + document + b"\n"
    paths.state.mkdir(parents=True)
    paths.ledger.write_bytes(line)
    assert Ledger(paths).own(ME) == {UPLOAD}


def test_what_is_no_file_of_ours_counts_for_nothing(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    (paths.state / "elsewhere").write_bytes(b"")
    paths.ledger.symlink_to("elsewhere")
    assert Ledger(paths).own(ME) == frozenset()
    assert (paths.state / "elsewhere").read_bytes() == b""


@pytest.mark.parametrize("is_read", [False, True])
def test_a_file_is_held_if_its_object_and_its_base_are(paths: Paths, is_read: bool) -> None:
    (file,) = whole_receipt().files
    assert file.delta is not None
    base = file.delta.base_key.replace(UPLOAD, "20260101_120000_laptop")
    file = msgspec.structs.replace(file, delta=msgspec.structs.replace(file.delta, base_key=base))

    def holds(machine: str = ME) -> bool:
        ledger = Ledger(paths)
        if is_read:
            ledger.own(ME)
        return ledger.holds_all_of(file, machine)

    assert not holds()
    Ledger(paths).add(entry(UPLOAD))
    assert not holds()
    Ledger(paths).add(entry("20260101_120000_laptop"))
    assert holds()
    assert not holds(OTHER)


def test_of_two_lines_the_later_one_is_found_and_a_damaged_one_is_not(paths: Paths) -> None:
    ledger = Ledger(paths)
    ledger.add(entry(machine=OTHER))
    ledger.add(entry())
    assert Ledger(paths).entry(UPLOAD) == entry()
    paths.ledger.write_bytes(paths.ledger.read_bytes().replace(b'"m"', b'"n"'))
    assert Ledger(paths).entry(UPLOAD) == entry(machine=OTHER)


def test_after_lines_were_lost_nothing_until_then_is_taken_for_a_copys(paths: Paths) -> None:
    """Any upload until now may have been in such a line."""
    ledger = Ledger(paths)
    ledger.begin((), 5)
    ledger.add(entry())
    files.write_json(paths.machine, Identity(system_id="laptop", machine_id=ME, sequence=10**14))
    paths.ledger.write_bytes(paths.ledger.read_bytes()[:-9])
    assert Ledger(paths).since == 10**14
    assert Ledger(paths).since == 10**14


@pytest.mark.parametrize("read_whole", [False, True])
def test_uploads_newer_than_another_are_found_the_newest_first(
    paths: Paths, *, read_whole: bool
) -> None:
    writing = Ledger(paths)
    for name in ("20261103_a", "20261101_a", "20261102_a"):
        writing.add(entry(name))
    writing.add(entry("20261104_a", machine=OTHER))
    ledger = Ledger(paths)
    if read_whole:
        ledger.own(ME)
    newer = ledger.newer_than("20261101_a", TARGET, ME)
    assert [each.upload for each in newer] == ["20261103_a", "20261102_a"]
    assert len(ledger.newer_than("", TARGET, ME)) == 3
    elsewhere = msgspec.structs.replace(TARGET, bucket="other")
    assert ledger.newer_than("", elsewhere, ME) == ()


@pytest.mark.parametrize("compacted", [False, True])
def test_what_was_stored_under_an_earlier_id_stays_own(paths: Paths, *, compacted: bool) -> None:
    ledger = Ledger(paths)
    ledger.add(entry("a", machine="first"))
    ledger.rename("first", "second")
    ledger.add(entry("b", machine="second"))
    ledger.rename("second", "third")
    ledger.add(entry("c", machine=OTHER))
    if compacted:
        ledger.remove({"c"})
    for each in (ledger, Ledger(paths)):
        assert each.own("third") == {"a", "b"}
        assert each.own("second") == {"a", "b"}
        assert each.own("first") == {"a"}
        assert each.is_own("a", "third")
        newest = each.newest(TARGET, "third")
        assert newest is not None
        assert newest.upload == "b"


def test_ids_that_were_renamed_in_a_circle_end(paths: Paths) -> None:
    ledger = Ledger(paths)
    ledger.rename("a", "b")
    ledger.rename("b", "a")
    assert ledger.own("a") == frozenset()
