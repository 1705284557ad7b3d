"""What is written down of a delivery: its receipt when it begins, fails and succeeds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from akosha_hook.state import identity
from akosha_hook.state.ledger_lines import NO_MANIFEST
from akosha_hook.state.receipt import Attempt, Receipt
from akosha_hook.sync import select
from akosha_hook.util import log
from akosha_hook.util.clock import MAX_EPOCH, now_iso, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from akosha_hook.errors import AkoshaHookError
    from akosha_hook.state.receipt import Method, ReceiptFile, Target
    from akosha_hook.upload.job import UploadJob

MAX_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a destination took: files as the receipt keeps them, and what it has to say."""

    files: tuple[ReceiptFile, ...]
    keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def new_receipt(job: UploadJob, method: Method) -> Receipt:
    """The receipt of a delivery that begins."""
    context, me = job.context, job.identity
    sequence = identity.next_sequence(context.paths, context.settings)
    target = select.target_of(context.settings, method, me.system_id)
    return Receipt(
        upload_id=new_upload_id(me.system_id, sequence),
        state="uploading",
        method=method,
        success=False,
        system_id=me.system_id,
        machine_id=me.machine_id,
        sequence=sequence,
        triggered_by=job.triggered_by,
        started=now_iso(),
        destination=target,
        skipped={each.name: each.message for each in job.snapshot.skipped},
        notes=(
            *_renewal(job, target),
            *(note for each in job.snapshot.databases for note in each.notes),
        ),
    )


def _renewal(job: UploadJob, target: Target) -> tuple[str, ...]:
    """That the machine has a new id, until something is stored under it."""
    me = job.identity
    if not me.renewed or job.ledger is None:
        return ()
    newest = job.ledger.newest(target, me.machine_id)
    if newest is None or newest.machine != me.machine_id or newest.sha256 == NO_MANIFEST:
        return (identity.renewal(me),)
    return ()


def new_upload_id(system_id: str, sequence: int) -> str:
    """`YYYYMMDD_HHMMSS_<system id>_<6 random hex>`, unique without asking anyone.

    The time is that of the sequence number, which never goes back as clocks do: ids of a machine
    sort as its uploads were made.
    """
    at = sequence if sequence < MAX_EPOCH else None
    return f"{stamp(at)}_{system_id}_{secrets.token_hex(3)}"


def failed_receipt(
    receipt: Receipt,
    error: AkoshaHookError,
    attempts: Sequence[Attempt],
    *,
    stored: Sequence[ReceiptFile],
    resumable: bool,
    out_of_time: bool,
) -> Receipt:
    """The receipt of a delivery that failed, with the files that were stored until then.

    `out_of_time` says that the deadline passed while parts got through.
    """
    return msgspec.structs.replace(
        receipt,
        attempts=tuple(attempts),
        state="uploading" if resumable else "failed",
        error=cleaned(error),
        files=tuple(stored),
        details=error.details,
        error_code="timeout-with-progress" if out_of_time else getattr(error, "code", ""),
        hint=error.hint,
        exit_code=int(error.exit_code),
    )


def succeeded_receipt(
    receipt: Receipt, arrived: Arrived, attempts: Sequence[Attempt], bytes_sent: int
) -> Receipt:
    """The receipt of a delivery that arrived."""
    return msgspec.structs.replace(
        receipt,
        state="done",
        success=True,
        attempts=tuple(attempts),
        error=None,
        error_code="",
        hint="",
        exit_code=0,
        files=arrived.files,
        files_uploaded=arrived.keys,
        files_unchanged=tuple(
            dict.fromkeys(
                each.database
                for each in arrived.files
                if each.status == "unchanged" and not each.stale
            )
        ),
        notes=(*receipt.notes, *arrived.notes),
        bytes_transferred=receipt.bytes_transferred + bytes_sent,
        details=dict(arrived.details),
    )


def cleaned(error: AkoshaHookError) -> str:
    """The message for a file or a screen: a server may send back what it was sent."""
    return log.redacted(error.message[:MAX_MESSAGE])


def attempt_of(method: str, error: AkoshaHookError) -> Attempt:
    return Attempt(
        method=method,
        code=getattr(error, "code", "") or type(error).__name__,
        message=cleaned(error),
        retryable=bool(getattr(error, "retryable", False)),
        at=now_iso(),
    )
