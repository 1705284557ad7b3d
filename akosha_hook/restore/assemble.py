"""One file of an upload put together in the staging directory, its SHA-256 proved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from akosha_hook.errors import DamagedError
from akosha_hook.format import delta
from akosha_hook.format.limits import max_plain
from akosha_hook.restore.fetch import Source, fetch
from akosha_hook.restore.objects import HINT, object_keys
from akosha_hook.snapshot.copy import hash_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.restore.staging import Staging
    from akosha_hook.stores.base import Info, ObjectStore
    from akosha_hook.util.progress import Progress


def assemble(
    store: ObjectStore,
    file: StoredFile,
    staging: Staging,
    infos: Mapping[str, Info],
    progress: Progress,
) -> int:
    """Make `file` in the staging directory, its SHA-256 proved; bytes that were downloaded.

    Raises DamagedError.
    """
    wire: list[int] = []

    def advance(plain: int, sent: int, *, counts: bool = True) -> None:
        wire.append(sent)
        progress.advance(file.name, plain if counts else 0, sent)

    target = staging.whole / file.name
    base_size = file.delta.base_size if file.delta else 0
    progress.file(file.name, base_size + file.size)
    if _is_whole(target, file):
        progress.advance(file.name, base_size + file.size, 0)
        return 0
    kept = {key: staging.kept(key, infos[key]) for key in object_keys(file)}
    resumed = any(path and path.exists() for path in kept.values())
    make = partial(_make, store, file, staging, infos, kept=kept, advance=advance)
    try:
        make()
    except DamagedError:
        if not resumed:
            raise
        # A power cut may have left holes in what was kept: the bucket has the last word.
        _discard(kept)
        make()
    _discard({key: path for key, path in kept.items() if key not in staging.shared})
    if file.delta:
        progress.advance(file.name, file.size, 0)
    return sum(wire)


def _discard(kept: Mapping[str, Path | None]) -> None:
    for path in kept.values():
        if path is not None:
            path.unlink(missing_ok=True)


def _make(
    store: ObjectStore,
    file: StoredFile,
    staging: Staging,
    infos: Mapping[str, Info],
    *,
    kept: Mapping[str, Path | None],
    advance: Callable[..., None],
) -> None:
    target = staging.whole / file.name
    base, change = staging.parts / "base", staging.parts / "delta"
    target.unlink(missing_ok=True)
    compressed = file.compression == "gzip"
    whole = Source(file.key, file.stored_size, compressed, file.size, file.sha256)
    try:
        if file.delta is None:
            fetch(store, whole, target, advance, kept=kept[file.key])
            return
        base_source = Source(
            file.delta.base_key,
            infos[file.delta.base_key].size,
            file.delta.base_compression == "gzip",
            file.delta.base_size,
            file.delta.base_sha256,
        )
        fetch(store, base_source, base, advance, kept=kept[base_source.key])
        changes = Source(file.key, file.stored_size, compressed, max_plain(file))
        uncounted = partial(advance, counts=False)
        fetch(store, changes, change, uncounted, kept=kept[file.key])
        _apply(file, base, change, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        base.unlink(missing_ok=True)
        change.unlink(missing_ok=True)


def _is_whole(target: Path, file: StoredFile) -> bool:
    """Whether an interrupted restore has made it already."""
    try:
        return target.stat().st_size == file.size and hash_file(target) == file.sha256
    except FileNotFoundError:
        return False


def _apply(file: StoredFile, base: Path, change: Path, target: Path) -> None:
    assert file.delta is not None
    promised = (file.size, file.sha256, file.delta.base_sha256)
    try:
        with change.open("rb") as opened:
            header = delta.read_header(opened, size=file.size)
        # Held against the manifest first: a delta may promise any number of bytes.
        if (header.size, header.sha256, header.base_sha256) == promised:
            delta.apply(base, change, target, size=file.size)
            return
    except DamagedError as error:
        raise DamagedError(
            f"{file.key} does not give {file.name}: {error.message.rstrip('.')}.", hint=HINT
        ) from error
    raise DamagedError(f"{file.key} is the delta of another file.", hint=HINT)
