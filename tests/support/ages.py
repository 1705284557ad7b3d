"""A server on which time passes: each object is as old as the tests' own clock says."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import threading
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.support.faults import HEAD_END, Asked

STORES = frozenset({"PutObject", "PutManifest", "CompleteMultipartUpload"})
_LISTED = re.compile(
    rb"<Contents>(?:(?!</Contents>).)*?</Contents>|<Upload>(?:(?!</Upload>).)*?</Upload>", re.DOTALL
)
_KEY = re.compile(rb"<Key>([^<]*)</Key>")
_TIME = re.compile(rb"(<(?:LastModified|Initiated)>)([^<]*)(</)")
_HEADER = re.compile(rb"(?im)^(last-modified: *)([^\r\n]*)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n")


@dataclass
class Ages:
    """`now` is by how many seconds the tests' clock is ahead; `born` and `begun` are what it was when
    the object of a path was stored, or its parts were begun.

    Used as the `rewrite` of every proxy before one server: an answer's times are moved to when the
    object was stored by the tests' clock.
    """

    now: float = 0.0
    born: dict[str, float] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked, answer: bytes) -> bytes:
        path = unquote(asked.path)
        if asked.operation in STORES and answer.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")):
            with self.guard:
                self.born[path] = self.now
        if asked.operation == "CreateMultipartUpload":
            with self.guard:
                self.begun[path] = self.now
        if asked.operation in {"GetObject", "HeadObject", "GetManifest", "HeadManifest"}:
            head, end, body = answer.partition(HEAD_END)
            return _HEADER.sub(lambda found: self._header(found, path), head) + end + body
        if asked.operation in {"ListObjects", "ListMultipartUploads"}:
            return self._list(answer, path.split("/")[1])
        return answer

    def stored_at(self, bucket: str, key: str, modified: float) -> float:
        """When an object was stored, by the tests' clock; `modified` is what the server says."""
        return modified + self.born.get(f"/{bucket}/{key}", 0.0)

    def _header(self, found: re.Match[bytes], path: str) -> bytes:
        at = email.utils.parsedate_to_datetime(found[2].decode())
        moved = at + dt.timedelta(seconds=self.born.get(path, 0.0))
        return found[1] + email.utils.format_datetime(moved, usegmt=True).encode()

    def _list(self, answer: bytes, bucket: str) -> bytes:
        head, end, body = answer.partition(HEAD_END)
        head += b"\r\n"
        if re.search(rb"(?im)^transfer-encoding: *chunked", head):
            head, body = re.sub(rb"(?im)^transfer-encoding:[^\n]*\n", b"", head), _joined(body)
        body = _LISTED.sub(lambda found: self._entry(found[0], bucket), body)
        head = re.sub(rb"(?im)^content-length:[^\n]*\n", b"", head).rstrip(b"\r\n")
        return head + f"\r\nContent-Length: {len(body)}".encode() + end + body

    def _entry(self, entry: bytes, bucket: str) -> bytes:
        key = _KEY.search(entry)
        if key is None:
            return entry
        path = f"/{bucket}/{unquote(key[1].decode())}"
        born = (self.begun if entry.startswith(b"<Upload>") else self.born).get(path, 0.0)

        def moved(found: re.Match[bytes]) -> bytes:
            text = found[2].decode().replace("Z", "+00:00")
            at = dt.datetime.fromisoformat(text) + dt.timedelta(seconds=born)
            return found[1] + at.strftime("%Y-%m-%dT%H:%M:%S.000Z").encode() + found[3]

        return _TIME.sub(moved, entry)


def _joined(body: bytes) -> bytes:
    """A chunked body in one piece."""
    pieces, rest = [], body
    while found := _CHUNK.match(rest):
        size = int(found[1], 16)
        if not size:
            break
        pieces.append(rest[found.end() : found.end() + size])
        rest = rest[found.end() + size + 2 :]
    return b"".join(pieces)
