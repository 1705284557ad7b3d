"""A set of files as one tar whose members' data begins on the grid of `format.blocks`.

A pax header with a comment of spaces stands before every member and pads. So a member that grew
moves those behind it by whole blocks, and a delta holds what changed and nothing else. Any tar reads
it (POSIX.1-2001, pax interchange format); owners and groups are not in it. Only the reader here is
strict: it takes what `header` writes and nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from akosha_hook.errors import DamagedError
from akosha_hook.format.blocks import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SUFFIX = ".tar"
RECORD_BYTES = 512
END = bytes(2 * RECORD_BYTES)
MAX_MEMBERS = 200_000
MAX_NAME_BYTES = 4_000
# A name, and at most three blocks of padding.
MAX_PAX_BYTES = 16_384
PIECE_BYTES = 1024 * 1024
_COMPONENT = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,255}")
_NANOSECONDS = 10**9
_NAME_FIELD, _PREFIX_FIELD = 100, 155
# What the octal fields of 11 digits hold.
_MAX_OCTAL = 8**11 - 1
_MAGIC = b"ustar\x0000"
_NUMBER = re.compile(rb"[0-7]{1,11}[ \x00]?")
_TIME = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?")
# "12 comment=\n"
_LEAST_COMMENT = 12
_PLAIN, _PAX = b"0", b"x"


class Entry(NamedTuple):
    """What the tar says of a member: its name, bytes, time (ns since the epoch), permissions."""

    name: str
    size: int
    mtime_ns: int
    mode: int

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.split("/"))


class Member(NamedTuple):
    """A member of a tar, and where its bytes begin in it."""

    entry: Entry
    position: int

    def data(self, file: BinaryIO) -> Iterator[bytes]:
        """Its bytes, in pieces, from the tar. Raises DamagedError."""
        file.seek(self.position)
        left = self.entry.size
        while left:
            piece = _exactly(file, min(left, PIECE_BYTES))
            left -= len(piece)
            yield piece


def is_member_name(name: str) -> bool:
    """Whether a file may be a member: a relative path that names one place below the set's own."""
    try:
        long = len(name.encode()) > MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False
    return not long and all(_COMPONENT.fullmatch(part) for part in name.split("/"))


def header(entry: Entry, position: int) -> bytes:
    """What stands before the data of a member whose header begins at `position`."""
    records = _records(entry)
    padded = records + _comment(_pax_bytes(records, position) - len(records))
    before = _ustar(b"PaxHeaders/member", b"", len(padded), 0, 0o644, type_=_PAX)
    prefix, name = _split(entry.name) or (b"", entry.name.encode("ascii", "replace")[:_NAME_FIELD])
    return (
        before
        + padded
        + _ustar(name, prefix, entry.size, entry.mtime_ns, entry.mode & 0o777, type_=_PLAIN)
    )


def padding(size: int) -> bytes:
    """What stands behind the data of a member of `size` bytes."""
    return bytes(-size % RECORD_BYTES)


def size_of(entries: Iterable[Entry]) -> int:
    """Bytes of the tar of these members."""
    position = 0
    for entry in entries:
        position += 2 * RECORD_BYTES + _pax_bytes(_records(entry), position)
        position += entry.size + len(padding(entry.size))
    return position + len(END)


def read(file: BinaryIO, size: int) -> Iterator[Member]:
    """The members of a tar of `size` bytes, in order.

    Raises DamagedError for whatever `header` does not write: names that leave the place they are
    for, links, members out of order or twice, and bytes too many or too few.
    """
    position = count = 0
    before: tuple[str, ...] = ()
    while size - position > len(END):
        file.seek(position)
        entry, length = _read_header(file)
        if not entry.parts > before:
            raise DamagedError("The tar has its members out of order, or one of them twice.")
        count += 1
        position += length
        end = position + entry.size + len(padding(entry.size))
        if count > MAX_MEMBERS or end + len(END) > size:
            raise DamagedError("The tar's members are more than it can hold.")
        yield Member(entry, position)
        before, position = entry.parts, end
    file.seek(position)
    if size - position != len(END) or file.read(len(END) + 1) != END:
        raise DamagedError("The tar does not end as it should.")


def _pax_bytes(records: bytes, position: int) -> int:
    """Bytes of the pax header's body, so that the data behind both headers is on the grid."""
    length = -(position + 2 * RECORD_BYTES) % BLOCK_BYTES
    while length < len(records) + _LEAST_COMMENT:
        length += BLOCK_BYTES
    return length


def _records(entry: Entry) -> bytes:
    records = b""
    if _split(entry.name) is None:
        records += _record("path", entry.name)
    if not 0 <= entry.size <= _MAX_OCTAL:
        records += _record("size", str(entry.size))
    seconds, rest = divmod(abs(entry.mtime_ns), _NANOSECONDS)
    if rest or entry.mtime_ns < 0 or seconds > _MAX_OCTAL:
        sign = "-" if entry.mtime_ns < 0 else ""
        records += _record("mtime", f"{sign}{seconds}.{rest:09d}")
    return records


def _record(keyword: str, value: str) -> bytes:
    text = f" {keyword}={value}\n".encode()
    length = len(text) + 1
    while len(str(length)) + len(text) != length:
        length = len(str(length)) + len(text)
    return str(length).encode() + text


def _comment(length: int) -> bytes:
    """A record of exactly that many bytes."""
    start = f"{length} comment=".encode()
    return start + b" " * (length - len(start) - 1) + b"\n"


def _split(name: str) -> tuple[bytes, bytes] | None:
    """The name as the two fields of a header hold it; None where they cannot."""
    if not name.isascii():
        return None
    whole = name.encode()
    if len(whole) <= _NAME_FIELD:
        return b"", whole
    at = whole.find(b"/", len(whole) - _NAME_FIELD - 1)
    return None if not 0 < at <= _PREFIX_FIELD else (whole[:at], whole[at + 1 :])


def _ustar(
    name: bytes, prefix: bytes, size: int, mtime_ns: int, mode: int, *, type_: bytes
) -> bytes:
    seconds = min(max(0, mtime_ns // _NANOSECONDS), _MAX_OCTAL)
    block = b"".join(
        (
            name.ljust(_NAME_FIELD, b"\0"),
            b"%07o\0" % mode,
            b"%07o\0" % 0,
            b"%07o\0" % 0,
            b"%011o\0" % min(size, _MAX_OCTAL),
            b"%011o\0" % seconds,
            b" " * 8,
            type_,
            bytes(100),
            _MAGIC,
            bytes(32 + 32),
            b"%07o\0" % 0,
            b"%07o\0" % 0,
            prefix.ljust(_PREFIX_FIELD, b"\0"),
            bytes(12),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _read_header(file: BinaryIO) -> tuple[Entry, int]:
    """The member whose header begins here, and the header's bytes."""
    before = _read_ustar(file, _PAX)
    if before.size > MAX_PAX_BYTES or before.size % RECORD_BYTES:
        raise DamagedError("The tar has a header that is too long.")
    records = _read_records(_exactly(file, before.size))
    plain = _read_ustar(file, _PLAIN)
    try:
        entry = Entry(
            records.get("path", plain.name),
            int(records["size"]) if "size" in records else plain.size,
            _nanoseconds(records["mtime"]) if "mtime" in records else plain.mtime_ns,
            plain.mode,
        )
    except ValueError as error:
        raise DamagedError("The tar has a header that cannot be read.") from error
    if not is_member_name(entry.name) or entry.size < 0:
        raise DamagedError("The tar has a member whose name leads elsewhere.")
    return entry, before.size + 2 * RECORD_BYTES


def _read_ustar(file: BinaryIO, expected: bytes) -> Entry:
    block = _exactly(file, RECORD_BYTES)
    if block[156:157] != expected or block[257:265] != _MAGIC:
        raise DamagedError("The tar has a member that is no plain file.")
    if sum(block) - sum(block[148:156]) + 8 * 32 != _number(block[148:156].rstrip(b"\0 ")):
        raise DamagedError("The tar has a header whose checksum does not fit.")
    name, prefix = block[:100].rstrip(b"\0"), block[345:500].rstrip(b"\0")
    try:
        whole = (prefix + b"/" + name if prefix else name).decode("ascii")
    except UnicodeDecodeError as error:
        raise DamagedError("The tar has a name that cannot be read.") from error
    size, seconds, mode = (_number(block[a:b]) for a, b in ((124, 136), (136, 148), (100, 108)))
    return Entry(whole, size, seconds * _NANOSECONDS, mode & 0o777)


def _number(field: bytes) -> int:
    if not _NUMBER.fullmatch(field):
        raise DamagedError("The tar has a number that cannot be read.")
    return int(field.rstrip(b"\0 "), 8)


def _read_records(body: bytes) -> dict[str, str]:
    records = {}
    while body:
        length, space, _ = body[:6].partition(b" ")
        if not space or not length.isdigit() or not 0 < int(length) <= len(body):
            raise DamagedError("The tar has a pax header that cannot be read.")
        record, body = body[len(length) + 1 : int(length)], body[int(length) :]
        keyword, _, value = record.partition(b"=")
        if not value.endswith(b"\n") or keyword not in {b"path", b"size", b"mtime", b"comment"}:
            raise DamagedError("The tar has a pax header that is not known here.")
        try:
            records[keyword.decode()] = value[:-1].decode()
        except UnicodeDecodeError as error:
            raise DamagedError("The tar has a name that cannot be read.") from error
    return records


def _nanoseconds(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    sign, seconds, rest = match.groups(default="")
    return int(sign + "1") * (int(seconds) * _NANOSECONDS + int(rest.ljust(9, "0")))


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise DamagedError("The tar ends early.")
    return data
