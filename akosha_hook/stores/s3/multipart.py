"""Storing one object: a single PUT when it fits in a part, else a resumable multipart upload."""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.errors import DeadlinePassedError, DeliveryError, Kind
from akosha_hook.state.receipt import Part, PartialUpload
from akosha_hook.stores.s3.etag import multipart_etag
from akosha_hook.stores.s3.unfinished import abort, abort_all
from akosha_hook.stores.s3.verify import md5, verify, verify_put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from akosha_hook.state.journal import Journal
    from akosha_hook.stores.base import Stored
    from akosha_hook.stores.s3.client import S3Client

MAX_PARTS = 10_000
MIB = 1024 * 1024
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """An object to be stored: its key, the headers it gets, and the parts it is sent in.

    `parts()` yields the same parts every time. `codec` names what makes them so, `sha256` is of
    the plain bytes: together they say whether a partial upload can be continued.
    """

    key: str
    headers: Mapping[str, str]
    codec: str
    sha256: str
    part_size: int
    parts: Callable[[], Iterator[bytes]]


def part_size_for(size: int, configured: int) -> int:
    """`configured`, or the whole number of MiB that keeps `size` within S3's 10,000 parts."""
    least = -(-size // MAX_PARTS)
    return max(configured, -(-least // MIB) * MIB)


def store(client: S3Client, plan: ObjectPlan, *, parallel: int, journal: Journal) -> Stored:
    """Store the object and verify it; continue what `journal` says was begun.

    Raises DeliveryError; what was stored until then is in the journal.
    """
    try:
        return _store_once(client, plan, parallel=parallel, journal=journal)
    except DeliveryError as error:
        if error.kind is not Kind.STALE:
            raise
        if completed := _completed(client, plan, journal):
            return completed
        # The server forgot the upload or its parts (R2 after 7 days, MinIO after 24 h).
        logger.info("Upload of %s cannot be continued (%s); starting over", plan.key, error.code)
        _forget(client, plan.key, journal)
        return _store_once(client, plan, parallel=parallel, journal=journal)


def _store_once(client: S3Client, plan: ObjectPlan, *, parallel: int, journal: Journal) -> Stored:
    stream = plan.parts()
    first = [next(stream)]
    if len(first[0]) < plan.part_size:
        _forget(client, plan.key, journal)
        etag = client.put(plan.key, first[0], plan.headers)
        return verify_put(client, plan.key, first[0], etag)
    partial = _resumable(client, plan, journal)
    pending = _Sender(client, plan, partial, journal)
    with ThreadPoolExecutor(parallel, thread_name_prefix="part") as pool:
        pending.run(pool, parallel, _put_back(first, stream))
    parts = [partial.parts[number] for number in sorted(partial.parts)]
    stored = _complete(client, plan, partial, parts)
    if partial.ambiguous:
        abort_all(client, plan.key)
    journal.partial.pop(plan.key, None)
    journal.save()
    return stored


def _put_back(first: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    """All parts, without a reference to those handed on: each is freed once it is stored."""
    yield first.pop()
    yield from rest


class _Sender:
    """Sends parts with a bounded number in flight and writes down each one that is stored."""

    def __init__(
        self, client: S3Client, plan: ObjectPlan, partial: PartialUpload, journal: Journal
    ) -> None:
        self._client = client
        self._plan = plan
        self._partial = partial
        self._journal = journal

    def run(self, pool: ThreadPoolExecutor, parallel: int, stream: Iterator[bytes]) -> None:
        flying: deque[Future[Part]] = deque()
        failure: DeliveryError | None = None
        try:
            for number, data in enumerate(stream, start=1):
                if self._kept(number, data):
                    continue
                flying.append(pool.submit(self._send, number, data))
                del data
                if len(flying) >= parallel:
                    failure = self._land(flying)
                    if failure:
                        break
        finally:
            # Also when the stream fails: what is stored by now need not be sent again.
            while flying:
                failure = self._land(flying) or failure
        if failure:
            raise failure

    def _kept(self, number: int, data: bytes) -> bool:
        """Whether the server already has this very part."""
        part = self._partial.parts.get(number)
        if part is None:
            return False
        if part.size == len(data) and part.md5 == md5(data):
            return True
        del self._partial.parts[number]
        return False

    def _send(self, number: int, data: bytes) -> Part:
        digest = md5(data)
        etag = self._client.put_part(
            self._plan.key, self._partial.multipart_id, number, data, digest
        )
        return Part(number, len(data), etag, digest)

    def _land(self, flying: deque[Future[Part]]) -> DeliveryError | None:
        """Wait for the oldest part; its failure is returned so that the others still land."""
        try:
            part = flying.popleft().result()
        except DeliveryError as error:
            return error
        self._partial.parts[part.number] = part
        self._journal.save()
        logger.debug("Part %d of %s: %d bytes", part.number, self._plan.key, part.size)
        return None


def _resumable(client: S3Client, plan: ObjectPlan, journal: Journal) -> PartialUpload:
    """The upload to continue, its parts checked against the server's list; else a new one."""
    partial = journal.partial.get(plan.key)
    if partial is not None and partial.multipart_id and _fits(partial, plan):
        try:
            listed = client.list_parts(plan.key, partial.multipart_id)
        except DeliveryError as error:
            if error.kind is Kind.STALE or error.retryable:
                raise
            # ListParts may be denied: the ETags written down are trusted instead.
            logger.info("Cannot list the parts of %s (%s)", plan.key, error.code)
        else:
            partial.parts = {
                number: part
                for number, part in partial.parts.items()
                if listed.get(number) == (part.size, part.etag)
            }
        return partial
    if partial is not None:
        _forget(client, plan.key, journal)
    return _begin(client, plan, journal)


def _begin(client: S3Client, plan: ObjectPlan, journal: Journal) -> PartialUpload:
    """A new multipart upload, announced in the journal before the server is asked for it.

    A process that is killed in between never learns the id: an empty one in the journal tells the
    next run to look for the upload and abort it.
    """
    partial = PartialUpload(
        key=plan.key,
        multipart_id="",
        part_size=plan.part_size,
        codec=plan.codec,
        sha256=plan.sha256,
    )
    journal.partial[plan.key] = partial
    journal.save()

    def on_repeat() -> None:
        partial.ambiguous = True

    partial.multipart_id = client.create_multipart(plan.key, plan.headers, on_repeat=on_repeat)
    journal.save()
    return partial


def _fits(partial: PartialUpload, plan: ObjectPlan) -> bool:
    return (partial.part_size, partial.codec, partial.sha256) == (
        plan.part_size,
        plan.codec,
        plan.sha256,
    )


def _forget(client: S3Client, key: str, journal: Journal) -> None:
    partial = journal.partial.get(key)
    if partial is not None:
        abort(client, partial)
        del journal.partial[key]
        journal.save()


def _complete(
    client: S3Client, plan: ObjectPlan, partial: PartialUpload, parts: list[Part]
) -> Stored:
    size = sum(part.size for part in parts)
    try:
        client.complete_multipart(plan.key, partial.multipart_id, parts)
    except DeadlinePassedError:
        raise
    except DeliveryError as error:
        # The request may have been carried out all the same: the object itself tells.
        settled = _look(client, plan.key)
        if settled is None or settled[0] != size:
            raise
        logger.info("%s was completed although the answer was %s", plan.key, error.code)
    return verify(client, plan.key, size, multipart_etag(parts), count=len(parts))


def _completed(client: S3Client, plan: ObjectPlan, journal: Journal) -> Stored | None:
    """The object, where an earlier run completed it and never heard so."""
    partial = journal.partial.get(plan.key)
    if partial is None or not partial.parts:
        return None
    parts = [partial.parts[number] for number in sorted(partial.parts)]
    size = sum(part.size for part in parts)
    try:
        head = client.head(plan.key)
        if head is None or (head.size, head.metadata.get("sha256")) != (size, plan.sha256):
            return None
        stored = verify(client, plan.key, size, multipart_etag(parts), count=len(parts))
    except DeliveryError as error:
        if error.retryable and error.kind is not Kind.DAMAGED:
            raise
        return None
    if partial.ambiguous:
        abort_all(client, plan.key)
    journal.partial.pop(plan.key)
    journal.save()
    return stored


def _look(client: S3Client, key: str) -> tuple[int, str] | None:
    try:
        head = client.head(key)
    except DeliveryError:
        return None
    return (head.size, head.etag) if head else None
