"""The one contract of every destination: deliver a snapshot, say truly what arrived."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from akosha_hook.paths import Paths
    from akosha_hook.settings.fields import Settings
    from akosha_hook.snapshot.take import Database, Snapshot
    from akosha_hook.state.receipt import PartialUpload, ReceiptFile
    from akosha_hook.util.progress import Progress
    from akosha_hook.util.retry import RetryPolicy


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One failed try, as the receipt records it; `at` is ISO 8601 UTC."""

    method: str
    code: str
    message: str
    retryable: bool
    at: str


@dataclass(frozen=True, slots=True)
class Journal:
    """Where an upload in progress is written down, so that a killed one can be continued.

    `partial` holds the multipart uploads begun, by key, and `stored` the files of this upload that
    are in the bucket already, by name; `save` makes the present state of both durable.
    """

    partial: dict[str, PartialUpload]
    stored: dict[str, ReceiptFile]
    save: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Consignment:
    """What is to be delivered, and under which name.

    `known` are the files, by name, as the last success at this destination left them.
    `conversations` says how many a database of the snapshot has, None where that is not known.
    """

    snapshot: Snapshot
    system_id: str
    machine_id: str
    upload_id: str
    sequence: int
    triggered_by: tuple[str, ...] = ()
    known: Mapping[str, ReceiptFile] = field(default_factory=dict)
    conversations: Callable[[Database], int | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a destination needs besides the consignment."""

    settings: Settings
    paths: Paths
    environ: Mapping[str, str]
    retry: RetryPolicy
    progress: Progress
    journal: Journal
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What arrived.

    `files_uploaded` are object keys (none over HTTP). `bytes_transferred` went over the wire.
    `files` is every file of the snapshot, as the receipt keeps it. `details` is
    destination-specific and goes into the receipt as it is.
    """

    files_uploaded: tuple[str, ...] = ()
    files: tuple[ReceiptFile, ...] = ()
    notes: tuple[str, ...] = ()
    bytes_transferred: int = 0
    details: dict[str, Any] = field(default_factory=dict)


class Destination(Protocol):
    """Where a snapshot can go; raises DeliveryError or another AkoshaHookError when it cannot."""

    def deliver(self, consignment: Consignment) -> Delivery: ...
