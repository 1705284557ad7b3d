"""Prometheus metrics of the last sync, as the textfile node_exporter collects."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.hook import outbox
from akosha_hook.state import backoff, progress_file
from akosha_hook.sync import select
from akosha_hook.util import clock, files, temporary

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from akosha_hook.context import Context
    from akosha_hook.state.receipts import Receipts

# The collector runs as another user, and there is nothing to hide in it.
MODE = 0o644
OUTCOMES = ("uploaded", "unchanged", "busy", "failed")
logger = logging.getLogger(__name__)


def write(context: Context, receipts: Receipts) -> None:
    """Write `akosha_metrics_file`, if one is set; a failure to is a line in the log."""
    if not context.settings.akosha_metrics_file:
        return
    path = Path(context.settings.akosha_metrics_file)
    try:
        temporary.remove_abandoned(path.parent, path.name)
        files.write_atomic(path, render(context, receipts), mode=MODE)
    except OSError as error:
        logger.warning("Metrics could not be written to %s: %s", path, error.strerror or error)


def render(context: Context, receipts: Receipts) -> bytes:
    """The metrics as Prometheus reads them, from receipts, outbox and the last sync's end."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    _of_receipts(registry, receipts)
    _of_last_sync(registry, context)
    _of_state(registry, context)
    return generate_latest(registry)


def _of_receipts(registry: CollectorRegistry, receipts: Receipts) -> None:
    from prometheus_client import Gauge

    success = Gauge(
        "akosha_hook_last_success_timestamp_seconds",
        "When the newest successful delivery ended.",
        ["method"],
        registry=registry,
    )
    seen: set[str] = set()
    newest = None
    for each in receipts.newest_first():
        if each.finished is None:
            continue
        newest = newest or each
        if each.success and each.method not in seen:
            seen.add(each.method)
            success.labels(each.method).set(clock.epoch(each.finished))
    duration = Gauge(
        "akosha_hook_last_delivery_duration_seconds",
        "How long the newest delivery took, successful or not.",
        registry=registry,
    )
    sent = Gauge(
        "akosha_hook_last_delivery_bytes",
        "Bytes of request bodies that the newest delivery sent, retries included.",
        registry=registry,
    )
    duration.set(newest.duration_seconds if newest else 0)
    sent.set(newest.bytes_transferred if newest else 0)


def _of_last_sync(registry: CollectorRegistry, context: Context) -> None:
    from prometheus_client import Gauge

    last = progress_file.read(context.paths).last
    when = Gauge(
        "akosha_hook_last_sync_timestamp_seconds",
        "When the last sync ended, also one that had nothing to send.",
        registry=registry,
    )
    when.set(last.at if last else 0)
    outcome = Gauge(
        "akosha_hook_last_sync_outcome",
        "1 for how the last sync ended, 0 for every other way.",
        ["outcome"],
        registry=registry,
    )
    for name in OUTCOMES:
        outcome.labels(name).set(bool(last and last.state == name))


def _of_state(registry: CollectorRegistry, context: Context) -> None:
    from prometheus_client import Gauge

    pending = Gauge(
        "akosha_hook_pending_events", "Events that wait for an upload.", registry=registry
    )
    waiting = outbox.waiting(context.paths)
    pending.set(len(waiting))
    oldest = Gauge(
        "akosha_hook_oldest_pending_event_age_seconds",
        "How long the oldest of them has waited; 0 when none waits.",
        registry=registry,
    )
    oldest.set(max(0.0, time.time() - waiting[0].epoch) if waiting else 0)
    failures = Gauge(
        "akosha_hook_failures_in_a_row",
        "Failed tries since the last success, of the destination that the settings prefer.",
        registry=registry,
    )
    failures.set(_failures(context))


def _failures(context: Context) -> int:
    """Of the preferred destination only: an unused fallback would report its last failure forever."""
    target = select.preferred(context)
    return 0 if target is None else backoff.failures(context.paths, target)
