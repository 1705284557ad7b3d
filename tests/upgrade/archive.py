"""What version 0.1.0 left behind, packed by `make_fixture.py`: a home, and the objects of a bucket.

Paths, servers and times of the machine that made it are not those of a test. Placeholders stand for
the former; every time in text, file names and keys is moved, so that it all happened a minute ago.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from akosha_hook.akosha.acknowledged import path_of
from akosha_hook.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.s3 import TestBucket

ARCHIVE = Path(__file__).with_name("v0.1.0.tar.gz")
ABOUT = "about.json"
HOME, ORIGINAL, BUCKET = "home/", "original/", "bucket/"
MINUTE = 60

_STAMP = re.compile(r"(?<!\d)\d{8}_\d{6}(?!\d)")
_ISO = re.compile(r"(?<!\d)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_EPOCH = re.compile(r"(?<![\d.])\d{10}(?!\d)")


class Member(NamedTuple):
    """A file of the archive, or a directory, which has no data."""

    data: bytes | None
    mode: int


Members = dict[str, Member]


@dataclass(frozen=True)
class Left:
    """What 0.1.0 left, in place. `about` is what its maker noted: see `make_fixture.py`.

    `original` are the files as they were before 0.1.0 was installed, by their path in the home.
    """

    about: dict[str, Any]
    original: Members

    @property
    def full(self) -> str:
        """The upload id of the first upload."""
        return str(self.about["uploads"]["full"])

    @property
    def delta(self) -> str:
        """The upload id of the last complete upload."""
        return str(self.about["uploads"]["delta"])

    @property
    def interrupted(self) -> str:
        """The upload id of the one that was killed."""
        return str(self.about["uploads"]["interrupted"])

    def databases(self, upload_id: str) -> dict[str, str]:
        """SHA-256 of the databases that an upload holds, by name, as they were then."""
        return dict(self.about["databases"][upload_id])


def pack(members: Members, archive: Path) -> None:
    """Write the archive; nobody owns anything in it."""
    with tarfile.open(archive, "w:gz", compresslevel=9) as tar:
        for name, member in sorted(members.items()):
            info = tarfile.TarInfo(name)
            info.mode = member.mode
            if member.data is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(member.data)
            tar.addfile(info, io.BytesIO(member.data or b""))


def unpack(archive: Path = ARCHIVE) -> Members:
    with tarfile.open(archive) as tar:
        return {
            info.name: Member(_read(tar, info) if info.isfile() else None, info.mode)
            for info in tar.getmembers()
        }


def _read(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(info)
    assert file is not None
    return file.read()


def rewritten(members: Members, change: Callable[[str], str]) -> Members:
    """`members` with `change` made in names and text.

    Where a member's SHA-256 stands in another, as in the record of what was installed, it follows.
    """
    changed = {change(name): (member, _changed(member, change)) for name, member in members.items()}
    digests = {
        hashlib.sha256(old.data).hexdigest(): hashlib.sha256(new.data).hexdigest()
        for old, new in changed.values()
        if old.data is not None and new.data is not None and old.data != new.data
    }

    def follow(text: str) -> str:
        return re.sub(r"\b[0-9a-f]{64}\b", lambda match: digests.get(match[0], match[0]), text)

    return {name: _changed(new, follow) for name, (_, new) in changed.items()}


def _changed(member: Member, change: Callable[[str], str]) -> Member:
    text = text_of(member)
    return member if text is None else member._replace(data=change(text).encode())


def text_of(member: Member) -> str | None:
    """The member's text; None where it holds something else."""
    if member.data is None or b"\0" in member.data:
        return None
    try:
        return member.data.decode()
    except UnicodeDecodeError:
        return None


def moved(text: str, first: float, last: float, seconds: int) -> str:
    """`text` with every time between `first` and `last` (epoch seconds) that many seconds later."""

    def by(form: str) -> Callable[[re.Match[str]], str]:
        def move(match: re.Match[str]) -> str:
            try:
                when = dt.datetime.strptime(match[0], form).replace(tzinfo=dt.UTC)
            except ValueError:
                return match[0]
            if not first <= when.timestamp() <= last:
                return match[0]
            return (when + dt.timedelta(seconds=seconds)).strftime(form)

        return move

    def move_epoch(match: re.Match[str]) -> str:
        epoch = int(match[0])
        return str(epoch + seconds) if first <= epoch <= last else match[0]

    text = _STAMP.sub(by("%Y%m%d_%H%M%S"), text)
    text = _ISO.sub(by("%Y-%m-%dT%H:%M:%S"), text)
    return _EPOCH.sub(move_epoch, text)


def put_in_place(
    home: Path, bucket: TestBucket, *, endpoint: str, akosha: str, python: str
) -> Left:
    """Fill `home` and `bucket` with what 0.1.0 left; it had reached them at these addresses."""
    members = unpack()
    about = json.loads(text_of(members[ABOUT]) or "")
    first, last = about["began"], about["ended"]
    seconds = int(time.time() - MINUTE - last)
    # The next try was due a little later.
    last += MINUTE
    values = {
        "@HOME@": str(home),
        "@PYTHON@": python,
        "@ENDPOINT@": endpoint,
        "@NAME@": bucket.name,
        "@AKOSHA@": akosha,
        "@PID@": str(_pid_of_the_dead()),
    }

    def fill(text: str) -> str:
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        return moved(text, first, last, seconds)

    members = rewritten(members, fill)
    _write(home, below(members, HOME))
    left = Left(json.loads(text_of(members[ABOUT]) or ""), below(members, ORIGINAL))
    _name_after_server(home, akosha)
    _fill(bucket, below(members, BUCKET), left.about["headers"])
    _begin_again(home, bucket, left)
    return left


def below(members: Members, prefix: str) -> Members:
    """The members whose names begin with `prefix`, without it."""
    return {
        name.removeprefix(prefix): member
        for name, member in members.items()
        if name.startswith(prefix)
    }


def _write(directory: Path, members: Members) -> None:
    for name, member in sorted(members.items()):
        path = directory / name
        if member.data is None:
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(member.data)
        path.chmod(member.mode)


def _name_after_server(home: Path, akosha: str) -> None:
    """The file with the rows that a server has is named after its URL."""
    paths = Paths(home / ".claude", home / ".config" / "akosha-hook" / "config.toml")
    wanted = path_of(paths, akosha)
    (only,) = wanted.parent.iterdir()
    only.rename(wanted)


def _fill(bucket: TestBucket, objects: Members, headers: dict[str, dict[str, str]]) -> None:
    for key, member in objects.items():
        if member.data is not None:
            bucket.client.put_object(
                bucket.name,
                key,
                io.BytesIO(member.data),
                len(member.data),
                content_type=headers[key]["content-type"],
                metadata={
                    name: headers[key][name] for name in headers[key] if name != "content-type"
                },
            )


def _begin_again(home: Path, bucket: TestBucket, left: Left) -> None:
    """Begin the multipart upload that 0.1.0 had begun, and store the parts that it had stored."""
    path = home / ".claude" / "akosha" / "receipts" / f"{left.interrupted}.json"
    receipt = json.loads(path.read_bytes())
    for key, partial in receipt["partial"].items():
        frozen = home / ".claude" / "akosha" / "snapshots" / receipt["snapshot"] / left.about["big"]
        # Stored as it is: compressed bytes could differ with the version of the compressor.
        content = frozen.read_bytes()
        id_ = bucket.client._create_multipart_upload(
            bucket.name, key, dict(left.about["multipart_headers"])
        )
        partial["multipart_id"] = id_
        for part in partial["parts"].values():
            begin = (part["number"] - 1) * partial["part_size"]
            data = content[begin : begin + part["size"]]
            assert hashlib.md5(data).hexdigest() == part["md5"]
            part["etag"] = bucket.client._upload_part(
                bucket.name, key, data, None, id_, part["number"]
            )
    path.write_text(json.dumps(receipt))


def _pid_of_the_dead() -> int:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid
