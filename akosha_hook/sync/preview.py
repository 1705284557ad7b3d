"""What a sync would do, from stat alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from akosha_hook import snapshot
from akosha_hook.settings.derived import data_directory
from akosha_hook.state import identity
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import select

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.sync.run import Request


@dataclass(frozen=True, slots=True)
class FilePreview:
    """`state`: `send`, `unchanged`, or why it cannot be sent; size in bytes, sidecars included."""

    name: str
    state: str
    size: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Nothing here was asked of a server."""

    method: Literal["cloud", "http"]
    destination: str
    files: tuple[FilePreview, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "dry_run": True,
            "method": self.method,
            "destination": self.destination,
            "files": [
                {"name": each.name, "state": each.state, "size": each.size} for each in self.files
            ],
        }


def preview(request: Request, context: Context) -> Preview:
    """Raises SettingsError where no destination may be used."""
    settings, paths = context.settings, context.paths
    method = select.destinations(
        settings,
        request.method,
        allow_fallback=request.allow_fallback,
        typed=request.typed,
        dropped=context.dropped,
    )[0]
    target = select.target_of(settings, method, identity.peek(paths, settings))
    last = Receipts(paths).last_success(target)
    known = {each.name: each.fingerprint for each in last.files if each.fingerprint} if last else {}
    if request.full or not settings.akosha_enable_deduplication:
        known = {}
    directory = data_directory(settings, paths)
    found = snapshot.find(directory, settings.akosha_databases, context.outside_databases)
    files = []
    sets = snapshot.live_sets(settings, paths) if method == "cloud" else ()
    items: list[snapshot.Item] = [*found.databases, *sets]
    for each in items:
        state = "unchanged" if snapshot.is_known(each, known) else "send"
        files.append(FilePreview(each.name, state, snapshot.size_of(each)))
    files += [FilePreview(each.name, each.reason, 0) for each in found.missing]
    where = f"bucket {target.bucket}" if method == "cloud" else target.endpoint
    return Preview(method, where, tuple(files))
