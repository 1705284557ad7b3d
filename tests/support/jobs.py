"""Upload jobs of databases that nobody opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from akosha_hook.context import Context
from akosha_hook.settings import Loaded, Settings
from akosha_hook.snapshot import Snapshot, take
from akosha_hook.state.identity import Identity
from akosha_hook.upload.job import UploadJob

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths

ME = Identity(system_id="laptop", machine_id="0123456789abcdef", sequence=3)
UPLOAD = "20261122_120000_laptop"


def frozen(paths: Paths, **contents: bytes) -> Snapshot:
    """A snapshot of databases of these contents: `reflection` is `reflection.duckdb`."""
    paths.data.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (paths.data / f"{name}.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + content)
    into = paths.snapshots / f"{len(list_of(paths.snapshots))}"
    return take(paths.data, [f"{name}.duckdb" for name in contents], into)


def list_of(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []


def job(
    paths: Paths, snapshot: Snapshot, settings: Settings | None = None, **changes: Any
) -> UploadJob:
    """The upload of `snapshot` as this machine's `UPLOAD`."""
    context = Context(Loaded(settings or Settings(), {}), paths, {})
    described: dict[str, Any] = {"upload_id": UPLOAD, "sequence": 4, **changes}
    return UploadJob(context, ME, snapshot, **described)
