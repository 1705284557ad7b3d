"""The tar of a set: every tar reads it, data is on the grid, and our reader takes nothing else."""

from __future__ import annotations

import io
import random
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.errors import DamagedError
from akosha_hook.format import tar
from akosha_hook.format.blocks import BLOCK_BYTES
from akosha_hook.format.tar import END, RECORD_BYTES, Entry

SECOND = 10**9
NOW = 1_700_000_000 * SECOND + 123_456_789


def built(*members: tuple[Entry, bytes]) -> bytes:
    whole = b""
    for entry, data in members:
        whole += tar.header(entry, len(whole))
        whole += data + tar.padding(len(data))
    return whole + END


def member(
    name: str, data: bytes = b"", mtime_ns: int = NOW, mode: int = 0o600
) -> tuple[Entry, bytes]:
    return Entry(name, len(data), mtime_ns, mode), data


def read(whole: bytes) -> list[tuple[Entry, bytes]]:
    file = io.BytesIO(whole)
    return [(each.entry, b"".join(each.data(file))) for each in tar.read(file, len(whole))]


NAMES = (
    "a",
    "b/c",
    "b/" + "n" * 120,
    "b/é ü.md",
    "p" * 150 + "/" + "q" * 90,
    "z/" + "d/" * 90 + "e",
)
MEMBERS = [
    member(name, random.Random(name).randbytes(size), NOW + size)
    for name, size in zip(NAMES, (0, 1, 511, 512, 4096, 10_000), strict=True)
]


def test_what_is_written_is_read_again() -> None:
    members = sorted(MEMBERS, key=lambda each: each[0].parts)
    assert read(built(*members)) == members


def test_any_tar_reads_it(tmp_path: Path) -> None:
    members = sorted(MEMBERS, key=lambda each: each[0].parts)
    path = tmp_path / "set.tar"
    path.write_bytes(built(*members))
    with tarfile.open(path) as opened:
        for entry, data in members:
            info = opened.getmember(entry.name)
            file = opened.extractfile(info)
            assert file is not None
            assert (file.read(), info.mode) == (data, 0o600)
            assert info.mtime == pytest.approx(entry.mtime_ns / SECOND)
            assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "", "")
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xf", path, "-C", out], check=True)
    assert {str(each.relative_to(out)) for each in out.rglob("*") if each.is_file()} == set(NAMES)
    assert (out / "a").stat().st_mtime_ns // SECOND == NOW // SECOND


@given(
    sizes=st.lists(st.integers(0, 9000), min_size=1, max_size=12),
    names=st.data(),
    mtime=st.integers(-(10**18), 10**19),
)
def test_every_members_data_begins_on_the_grid(
    sizes: list[int], names: st.DataObject, mtime: int
) -> None:
    letters = st.text("abé-/", min_size=1, max_size=300).filter(tar.is_member_name)
    chosen = names.draw(st.lists(letters, min_size=len(sizes), max_size=len(sizes), unique=True))
    entries = sorted(
        (Entry(name, size, mtime, 0o644) for name, size in zip(chosen, sizes, strict=True)),
        key=lambda each: each.parts,
    )
    whole = built(*((each, bytes(each.size)) for each in entries))
    assert len(whole) == tar.size_of(entries)
    found = list(tar.read(io.BytesIO(whole), len(whole)))
    assert [each.entry for each in found] == entries
    assert all(each.position % BLOCK_BYTES == 0 for each in found)


def test_a_member_that_grows_changes_only_its_own_blocks() -> None:
    first, second = member("a", b"x" * 50_000), member("b", random.Random(1).randbytes(100_000))
    longer = member("a", first[1] + b"one more line\n" * 400, NOW + 1)

    def blocks(whole: bytes) -> set[bytes]:
        return {whole[at : at + BLOCK_BYTES] for at in range(0, len(whole), BLOCK_BYTES)}

    new = blocks(built(longer, second)) - blocks(built(first, second))
    # Its header, its new end, and the header behind that.
    assert len(new) <= 5


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "",
        "a/.",
        "a\nb",
        "a\0b",
        "a\\b",
        "x" * 256,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert not tar.is_member_name(name)
    with pytest.raises(DamagedError):
        read(built(member(name or " /", b"x")))


def test_a_name_that_is_no_text_is_no_members() -> None:
    assert not tar.is_member_name("caf\udce9")
    assert not tar.is_member_name("d/" * 2000 + "e")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE]
)
def test_what_is_no_plain_file_is_refused(kind: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tar, "_PLAIN", kind)
        whole = built(member("a"))
    with tarfile.open(fileobj=io.BytesIO(whole)) as opened:
        assert [each.type for each in opened] == [kind]
    with pytest.raises(DamagedError, match="no plain file"):
        read(whole)


def test_members_out_of_order_or_twice_are_refused() -> None:
    for names in (("b", "a"), ("a", "a")):
        with pytest.raises(DamagedError, match="out of order"):
            read(built(*(member(name) for name in names)))


def test_a_member_larger_than_the_tar_is_refused() -> None:
    whole = tar.header(Entry("a", 10**9, NOW, 0o600), 0) + b"x" * RECORD_BYTES + END
    with pytest.raises(DamagedError, match="more than it can hold"):
        read(whole)


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MAX_MEMBERS", 2)
    with pytest.raises(DamagedError, match="more than it can hold"):
        read(built(member("a"), member("b"), member("c")))


@pytest.mark.parametrize("whole", [b"", END[:-1], END + b"\0", END + END, b"x" * 1024], ids=repr)
def test_an_end_that_is_not_one_is_refused(whole: bytes) -> None:
    with pytest.raises(DamagedError):
        read(whole)


def test_a_tar_cut_or_altered_anywhere_never_fails_otherwise() -> None:
    whole = built(member("a/b", b"abc"), member("é" * 60, b"d" * 700))
    chance = random.Random(7)
    for _ in range(600):
        altered = bytearray(
            whole[: chance.randrange(len(whole))] if chance.random() < 0.2 else whole
        )
        for _ in range(chance.randrange(1, 4)):
            if altered:
                altered[chance.randrange(len(altered))] = chance.randrange(256)
        try:
            found = read(bytes(altered))
        except DamagedError:
            continue
        assert all(tar.is_member_name(entry.name) for entry, _ in found)
