"""The status view: a Report as sections of short lines."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from akosha_hook.cli import screen
from akosha_hook.cli.activity import is_running, next_sync, with_bar
from akosha_hook.cli.screen import Line, Tone
from akosha_hook.state import collapsed, tampering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.doctor.finding import Finding
    from akosha_hook.state.pruning import Pruning
    from akosha_hook.state.receipt import Receipt, Target
    from akosha_hook.status.report import Report
    from akosha_hook.status.trouble import Trouble

# If one of these cannot be used, its value in the next layer is not what the user meant.
DESTINATION_SETTINGS = frozenset(
    {
        "akosha_cloud_bucket",
        "akosha_cloud_endpoint",
        "akosha_cloud_region",
        "akosha_force_method",
        "akosha_http_url",
        "akosha_system_id",
    }
)


class Section(NamedTuple):
    """A label and its lines."""

    label: str
    lines: list[Line]


def sections(report: Report, servers: tuple[Finding, ...] | None = None) -> Iterator[Section]:
    """The view from top to bottom; `servers` are the findings of `status --check`."""
    unsafe = report.loaded.unsafe
    yield Section("Backup", [_headline(report)])
    yield Section("To", [Line(_where(report.destination, report.system_id, unsafe))])
    places = [report.data_directory, *(each.path for each in report.loaded.outside)]
    yield Section("From", [Line(str(each)) for each in places])
    yield Section("Last sync", [_success(report.last_success), *_unchanged(report)])
    yield Section("Last error", list(_failure(report)))
    yield Section("Now", list(_now(report)))
    yield Section("Akosha", list(_akosha(report)))
    yield Section("Last look", list(_look(report)))
    yield Section("Last verified", list(_verification(report)))
    yield Section("Last prune", list(_pruned(report.last_prune)))
    yield Section("Hooks", list(_hooks(report)))
    if servers is not None:
        yield Section("Servers", [line for each in servers for line in finding_lines(each)])
    yield Section("Problems", list(_problems(report)))
    yield Section("Notes", [Line(note) for note in report.notes])


def finding_lines(finding: Finding) -> Iterator[Line]:
    """A finding of `doctor`, and what to type."""
    yield Line(f"{finding.area} {finding.name}: {finding.detail}", Tone[finding.state.upper()])
    if finding.fix:
        yield Line(f"Try: {finding.fix}", Tone.HINT)


def _headline(report: Report) -> Line:
    if report.destination is None:
        return Line(
            "off: no bucket is set. Try: akosha-hook config set akosha_cloud_bucket NAME",
            Tone.WARNING,
        )
    if report.loaded.unsafe:
        return Line("on hold: the settings have a problem (see below)", Tone.PROBLEM)
    if not any(place.state == "working" for place in report.places):
        return Line("manual only: no hook is installed. Try: akosha-hook install", Tone.WARNING)
    if problem := _problem_in_brief(report):
        return Line(problem, Tone.PROBLEM)
    return Line("on", Tone.OK)


def _problem_in_brief(report: Report) -> str:
    if report.hold is not None:
        return "on hold: you have not confirmed this destination (see below)"
    if report.last_failure is not None or report.last_error is not None:
        return "on, but the last upload failed (see below)"
    if report.has_lost_objects:
        return "on, but the bucket lost some of the last upload (see below)"
    return ""


def _where(destination: Target | None, system_id: str, unsafe: frozenset[str]) -> str:
    if unsafe & DESTINATION_SETTINGS:
        return "unknown: the settings have a problem (see below)"
    if destination is None:
        return "nowhere yet"
    if destination.method == "http":
        return f"Akosha server {destination.endpoint} (no bucket is set) as {system_id}"
    return f"bucket {destination.bucket} at {destination.endpoint or 'AWS'} as {system_id}"


def _success(receipt: Receipt | None) -> Line:
    if receipt is None or receipt.finished is None:
        return Line("never", Tone.WARNING)
    if receipt.method == "http":
        return Line(f"{_delivered(receipt)}; not in the cloud yet", Tone.WARNING)
    return Line(_delivered(receipt), Tone.OK)


def _delivered(receipt: Receipt) -> str:
    what = screen.counted(screen.files_sent(receipt), "file")
    what += f", {screen.size(receipt.bytes_transferred)}"
    if receipt.method == "http":
        what = f"{receipt.details.get('stored', 0)} memories to Akosha"
    return f"{_ago(receipt.finished)}: {what} in {screen.duration(receipt.duration_seconds)}"


def _ago(iso: str | None) -> str:
    if not iso:
        return "not finished"
    try:
        return screen.age(dt.datetime.fromisoformat(iso).timestamp())
    except (ValueError, OverflowError):
        return "at an unknown time"


def _unchanged(report: Report) -> list[Line]:
    last = report.worker.last
    if last is None or last.state != "unchanged" or last.error:
        return []
    return [Line(f"checked {screen.age(last.at)}: nothing has changed since")]


def _failure(report: Report) -> Iterator[Line]:
    """Why the newest state is not at the preferred destination, and what to type."""
    receipt, last = report.last_failure, report.last_error
    if receipt is not None:
        yield Line(f"{_ago(receipt.finished or receipt.started)}: {receipt.error}", Tone.PROBLEM)
        yield from _hint(receipt.hint)
    elif last is not None:
        yield Line(f"{screen.age(last.at)}: {last.error}", Tone.PROBLEM)
        yield from _hint(last.hint)


def _hint(hint: str) -> Iterator[Line]:
    for number, each in enumerate(hint.splitlines()):
        yield Line(each if number else f"Try: {each}", Tone.HINT)


def _now(report: Report) -> Iterator[Line]:
    worker = report.worker
    if is_running(worker):
        yield Line(with_bar(worker), Tone.BUSY)
        if worker.message:
            yield Line(worker.message, Tone.WARNING)
    if report.trouble:
        yield from _trouble(report.trouble)
    if report.events:
        count = Counter(event.name for event in report.events)
        names = ", ".join(f"{name} ({n})" if n > 1 else name for name, n in count.most_common())
        oldest = screen.age(report.events[0].epoch)
        yield Line(f"{len(report.events)} waiting: {names}; the oldest {oldest}")
    if worker.phase == "waiting":
        yield Line(next_sync(worker.until - time.time()))
    elif report.next_try:
        wait = screen.duration(max(0.0, report.next_try - time.time()))
        yield Line(f"next try in {wait}; to try now: akosha-hook sync")
    elif not is_running(worker):
        if report.events:
            yield Line(
                "no worker is running: the next event starts one; to start now: akosha-hook sync"
            )
        else:
            yield Line("nothing to do", Tone.DIM)


def _trouble(trouble: Trouble) -> Iterator[Line]:
    """A process that does not go on by itself."""
    what = "is stopped" if trouble.kind == "stopped" else "seems to be stuck"
    since = screen.age(trouble.since)
    yield Line(f"process {trouble.pid} {what}; its last progress was {since}", Tone.PROBLEM)
    yield Line(f"Try: {trouble.fix}", Tone.HINT)


def _akosha(report: Report) -> Iterator[Line]:
    """The last push over HTTP, unless it is already shown above."""
    receipt = report.last_akosha
    if receipt is None or receipt is report.last_success or receipt is report.last_failure:
        return
    if receipt.success:
        yield Line(_delivered(receipt), Tone.OK)
    elif receipt.error:
        yield Line(f"{_ago(receipt.finished or receipt.started)}: {receipt.error}", Tone.WARNING)
    else:
        yield Line("a push is in progress, or was interrupted", Tone.DIM)


def _look(report: Report) -> Iterator[Line]:
    """Whether what was uploaded last was still in the bucket when it was last looked at."""
    look, last = report.last_look, report.last_success
    if look is None or last is None:
        return
    when, is_of_last = screen.age(look.at), look.upload_id == last.upload_id
    count = screen.counted(len(look.lost), "object")
    if look.error is not None:
        yield Line(f"{when}: it could not be made: {look.error}", Tone.WARNING)
    elif not look.verified:
        yield Line(f"{when}: not verified, since the keys may not look at objects", Tone.DIM)
    elif report.has_lost_objects:
        gone = f"{count} of the last upload no longer in the bucket as stored"
        yield Line(f"{when}: {gone}: {', '.join(look.lost)}", Tone.PROBLEM)
        yield from _hint(report.lost_advice)
    elif look.lost and report.given_up:
        names = ", ".join(report.given_up)
        said = f"{count} lost of {look.upload_id}; no upload has {names} since"
        yield Line(f"{when}: {said}", Tone.WARNING)
    elif look.lost:
        yield Line(f"{when}: {count} lost of {look.upload_id}; uploaded again since", Tone.WARNING)
    elif is_of_last:
        yield Line(f"{when}: the last upload is in the bucket, with all that it needs", Tone.OK)


def _verification(report: Report) -> Iterator[Line]:
    """Whether an upload was ever proved to be restorable."""
    last = report.last_verification
    if last is None:
        if report.last_success is not None and report.last_success.method == "cloud":
            yield Line("never: akosha-hook verify proves that the upload can be restored", Tone.DIM)
    elif last.success:
        yield Line(f"{_ago(last.at)}: {last.upload_id} can be restored", Tone.OK)
    else:
        yield Line(f"{_ago(last.at)}: {last.error}", Tone.PROBLEM)
        yield from _hint(last.hint)


def _pruned(pruning: Pruning | None) -> Iterator[Line]:
    if pruning is None:
        return
    when = screen.age(pruning.at)
    if pruning.success:
        freed = screen.size(pruning.freed_bytes)
        deleted = screen.counted(pruning.uploads_removed, "upload")
        yield Line(f"{when}: {deleted} deleted, {freed} freed", Tone.OK)
    else:
        yield Line(f"{when}: {pruning.error}", Tone.WARNING)
        yield from _hint(pruning.hint)


def _hooks(report: Report) -> Iterator[Line]:
    if not report.places:
        yield Line("none")
    for place in report.places:
        if place.state == "working":
            yield Line(f"{place.kind}: working, {place.path}", Tone.OK)
        else:
            yield Line(f"{place.kind}: broken, {place.path}: {place.detail}", Tone.PROBLEM)
            yield from _hint(place.fix)


def _problems(report: Report) -> Iterator[Line]:
    for each in report.loaded.problems:
        yield Line(each, Tone.PROBLEM)
    for each in report.loaded.warnings:
        yield Line(each, Tone.WARNING)
    yield from _held(report)
    for each in report.missed:
        yield Line(each, Tone.PROBLEM)
    for collapse in report.collapsed:
        yield Line(collapsed.summary(collapse), Tone.PROBLEM)
        yield Line(f"Try: {collapsed.advice(collapse)}", Tone.HINT)
    if report.tampering is not None:
        seen = tampering.sentence(report.tampering)
        yield Line(f"{seen[0].upper()}{seen[1:]}.", Tone.PROBLEM)
    for path in report.corrupt:
        yield Line(f"{path} could not be read and was set aside", Tone.WARNING)
        yield Line(f"Try: rm '{path}', after you have looked at it", Tone.HINT)


def _held(report: Report) -> Iterator[Line]:
    """Where memories did not go, since nobody has confirmed it."""
    if report.hold is not None:
        error = report.hold.error()
        yield Line(error.message, Tone.PROBLEM)
        yield Line(f"Try: {error.hint}", Tone.HINT)
    elif report.last_held is not None:
        yield Line(f"{_ago(report.last_held.at)}: {report.last_held.message}", Tone.WARNING)
        yield Line("Try: akosha-hook sync, typed at a terminal, takes this message away", Tone.HINT)
