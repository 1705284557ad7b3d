"""What a sync would do: a snapshot is taken and compared as a sync does, and then thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from akosha_hook.state import pinning
from akosha_hook.state.receipt import same_content
from akosha_hook.sync import present
from akosha_hook.sync.outcome import Outcome
from akosha_hook.sync.under_way import destinations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.state.receipt import Method
    from akosha_hook.sync.present import Present
    from akosha_hook.sync.under_way import Request, Sync


@dataclass(frozen=True, slots=True)
class FilePreview:
    """`state`: `send`, `unchanged`, or why it is not sent; size in bytes, sidecars included.

    The size of one that is not sent and was not stored before is 0.
    """

    name: str
    state: str
    size: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Nothing here was asked of a server; `outcome` is that of a sync whose uploads all succeed."""

    destination: str
    files: tuple[FilePreview, ...]
    outcome: Outcome

    @property
    def method(self) -> Method:
        return self.outcome.method

    def as_json(self) -> dict[str, Any]:
        return {
            "dry_run": True,
            "method": self.method,
            "destination": self.destination,
            "files": [
                {"name": each.name, "state": each.state, "size": each.size} for each in self.files
            ],
            "error": self.outcome.error,
            "hint": self.outcome.hint,
        }


def preview(request: Request, context: Context) -> Preview:
    """Raises what a sync raises before it sends anything.

    SettingsError where no destination may be used, UnconfirmedError where the settings lead
    elsewhere than the user has confirmed, NothingToBackUpError where there is no database.
    """
    chain = destinations(request, context, dropped=context.dropped)
    decision = pinning.look(context, pinning.parts_of(chain), at_terminal=request.typed)
    if decision.action == "hold":
        raise decision.error()
    sync = present.read_only(request, context, chain)
    with present.scratch(context) as directory:
        now = present.look(sync, directory / "copy")
    target = sync.target
    where = f"bucket {target.bucket}" if target.method == "cloud" else target.endpoint
    return Preview(where, tuple(_files(now)), _outcome(sync, now))


def _outcome(sync: Sync, now: Present) -> Outcome:
    if not now.has_news:
        return present.nothing_new(sync, now.frozen)
    return Outcome(
        state="uploaded",
        method=sync.chain[0],
        skipped=now.frozen.skipped,
        unchanged=now.frozen.unchanged,
    )


def _files(now: Present) -> Iterator[FilePreview]:
    stored = dict.fromkeys(now.frozen.unchanged, 0)
    for each in now.known.values():
        if each.database in stored:
            stored[each.database] += each.size
    for database in now.frozen.databases:
        state = "unchanged" if same_content(database, now.known) else "send"
        yield FilePreview(database.name, state, sum(each.size for each in database.files))
    for name, size in stored.items():
        yield FilePreview(name, "unchanged", size)
    for skipped in now.frozen.skipped:
        yield FilePreview(skipped.name, skipped.reason, 0)
