"""What `status` shows, as sections of short lines: words for a Report."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from akosha_hook.cli import screen
from akosha_hook.cli.screen import Line, Tone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.doctor.finding import Finding
    from akosha_hook.state.progress_file import State
    from akosha_hook.state.receipt import Receipt, Target
    from akosha_hook.status.report import Pruning, Report

PHASES = {
    "snapshot": "taking a snapshot",
    "upload": "uploading",
    "verify": "verifying",
    "manifest": "writing the manifest",
    "akosha": "pushing to Akosha",
    "download": "downloading",
    "check": "checking",
}
# With one of these mistyped, the next layer's value says nothing about what was meant.
TELLING_WHERE = frozenset(
    {
        "akosha_cloud_bucket",
        "akosha_cloud_endpoint",
        "akosha_cloud_region",
        "akosha_force_method",
        "akosha_http_url",
        "akosha_system_id",
    }
)
BAR_WIDTH = 20


class Section(NamedTuple):
    """A label and its lines."""

    label: str
    lines: list[Line]


def sections(found: Report, servers: tuple[Finding, ...] | None = None) -> Iterator[Section]:
    """The board from top to bottom; `servers` is what `--check` was answered."""
    yield Section("Backup", [_headline(found)])
    yield Section("To", [Line(_where(found.destination, found.system_id, found.loaded.unsafe))])
    yield Section("From", [Line(str(found.data_directory))])
    yield Section("Last sync", [_success(found.last_success), *_checked(found)])
    yield Section("Last error", list(_failure(found)))
    yield Section("Now", list(_now(found)))
    yield Section("Akosha", list(_akosha(found)))
    yield Section("Last drill", list(_drill(found)))
    yield Section("Last prune", list(_pruned(found.last_prune)))
    yield Section("Hooks", list(_hooks(found)))
    if servers is not None:
        yield Section("Servers", [line for each in servers for line in finding_lines(each)])
    yield Section("Problems", list(_problems(found)))
    yield Section("Notes", [Line(note) for note in found.loaded.notes])


def finding_lines(finding: Finding) -> Iterator[Line]:
    """A finding of `doctor`, and what to type."""
    yield Line(f"{finding.area} {finding.name}: {finding.detail}", Tone[finding.state.upper()])
    if finding.fix:
        yield Line(f"Try: {finding.fix}", Tone.HINT)


def _headline(found: Report) -> Line:
    if found.destination is None:
        return Line(
            "off: no bucket is set. Try: akosha-hook config set akosha_cloud_bucket NAME",
            Tone.WARNING,
        )
    if found.loaded.unsafe:
        return Line("held up: the settings have a problem (below)", Tone.PROBLEM)
    if not any(place.state == "working" for place in found.places):
        return Line("by hand only: no hook is installed. Try: akosha-hook install", Tone.WARNING)
    if found.last_failure is not None or found.last_error is not None:
        return Line("on, but the last upload failed (below)", Tone.PROBLEM)
    return Line("on", Tone.OK)


def _where(destination: Target | None, system_id: str, unsafe: frozenset[str]) -> str:
    if unsafe & TELLING_WHERE:
        return "in doubt: the settings have a problem (below)"
    if destination is None:
        return "nowhere yet"
    if destination.method == "http":
        return f"Akosha server {destination.endpoint} (no bucket is set) as {system_id}"
    return f"bucket {destination.bucket} at {destination.endpoint or 'AWS'} as {system_id}"


def _success(paper: Receipt | None) -> Line:
    if paper is None or paper.finished is None:
        return Line("never", Tone.WARNING)
    if paper.method == "http":
        return Line(f"{_delivered(paper)}; the cloud still lacks them", Tone.WARNING)
    return Line(_delivered(paper), Tone.OK)


def _delivered(paper: Receipt) -> str:
    what = screen.counted(len(paper.files_uploaded), "file")
    what += f", {screen.size(paper.bytes_transferred)}"
    if paper.method == "http":
        what = f"{paper.details.get('stored', 0)} memories to Akosha"
    return f"{_ago(paper.finished)}: {what} in {screen.duration(paper.duration_seconds)}"


def _ago(iso: str | None) -> str:
    if not iso:
        return "not finished"
    try:
        return screen.age(dt.datetime.fromisoformat(iso).timestamp())
    except (ValueError, OverflowError):
        return "at an unknown time"


def _checked(found: Report) -> list[Line]:
    last = found.worker.last
    if last is None or last.state != "unchanged" or last.error:
        return []
    return [Line(f"checked, unchanged {screen.age(last.at)}")]


def _failure(found: Report) -> Iterator[Line]:
    """Why the newest state is not at the preferred destination, and what to type."""
    paper, last = found.last_failure, found.last_error
    if paper is not None:
        yield Line(f"{_ago(paper.finished or paper.started)}: {paper.error}", Tone.PROBLEM)
        yield from _hint(paper.hint)
    elif last is not None:
        yield Line(f"{screen.age(last.at)}: {last.error}", Tone.PROBLEM)
        yield from _hint(last.hint)


def _hint(hint: str) -> Iterator[Line]:
    for number, each in enumerate(hint.splitlines()):
        yield Line(each if number else f"Try: {each}", Tone.HINT)


def _now(found: Report) -> Iterator[Line]:
    worker = found.worker
    if worker.phase in PHASES:
        yield Line(progress(worker), Tone.BUSY)
        if worker.message:
            yield Line(worker.message, Tone.WARNING)
    if found.events:
        count = Counter(event.name for event in found.events)
        names = ", ".join(f"{name} ({n})" if n > 1 else name for name, n in count.most_common())
        oldest = screen.age(found.events[0].epoch)
        yield Line(f"{len(found.events)} waiting: {names}; the oldest {oldest}")
    if worker.phase == "waiting":
        yield Line(next_sync(worker.until - time.time()))
    elif found.next_try:
        wait = screen.duration(max(0.0, found.next_try - time.time()))
        yield Line(f"next try in {wait}, or at once: akosha-hook sync")
    elif worker.phase not in PHASES:
        if found.events:
            yield Line("no worker is running: the next event starts one, or: akosha-hook sync")
        else:
            yield Line("nothing to do", Tone.DIM)


def next_sync(seconds: float) -> str:
    """When a waiting worker goes on; it may be at it before it says so."""
    if seconds < 1:
        return "next sync about to start"
    return f"next sync in {screen.duration(seconds)}"


def progress(worker: State) -> str:
    """What a running sync is at, with a bar where the size is known."""
    what = f"{PHASES[worker.phase]} {worker.file}".rstrip()
    if not worker.total_bytes or worker.phase not in {"upload", "download"}:
        return what
    share = min(1.0, worker.done_bytes / worker.total_bytes)
    filled = round(share * BAR_WIDTH)
    bar = "#" * filled + "-" * (BAR_WIDTH - filled)
    return (
        f"{what} [{bar}] {share:.0%} of {screen.size(worker.total_bytes)}, "
        f"{screen.size(worker.wire_bytes)} sent"
    )


def _akosha(found: Report) -> Iterator[Line]:
    """The server's last use, where it is not what stands above already."""
    paper = found.last_akosha
    if paper is None or paper is found.last_success or paper is found.last_failure:
        return
    if paper.success:
        yield Line(_delivered(paper), Tone.OK)
    elif paper.error:
        yield Line(f"{_ago(paper.finished or paper.started)}: {paper.error}", Tone.WARNING)
    else:
        yield Line("a push is under way, or was cut off", Tone.DIM)


def _drill(found: Report) -> Iterator[Line]:
    """Whether an upload was ever proved to be restorable."""
    verdict = found.last_drill
    if verdict is None:
        if found.last_success is not None and found.last_success.method == "cloud":
            yield Line("never: akosha-hook verify proves that the upload can be restored", Tone.DIM)
    elif verdict.success:
        yield Line(f"{_ago(verdict.at)}: {verdict.upload_id} can be restored", Tone.OK)
    else:
        yield Line(f"{_ago(verdict.at)}: {verdict.error}", Tone.PROBLEM)
        yield from _hint(verdict.hint)


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


def _hooks(found: Report) -> Iterator[Line]:
    if not found.places:
        yield Line("none")
    for place in found.places:
        if place.state == "working":
            yield Line(f"{place.kind}: working, {place.path}", Tone.OK)
        else:
            yield Line(f"{place.kind}: broken, {place.path}: {place.detail}", Tone.PROBLEM)
            yield from _hint(place.fix)


def _problems(found: Report) -> Iterator[Line]:
    for each in found.loaded.problems:
        yield Line(each, Tone.PROBLEM)
    for each in found.loaded.warnings:
        yield Line(each, Tone.WARNING)
    for path in found.corrupt:
        yield Line(f"{path} could not be read and was set aside", Tone.WARNING)
        yield Line(f"Try: rm '{path}', once you have looked at it", Tone.HINT)
