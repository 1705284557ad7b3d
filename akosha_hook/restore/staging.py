"""The files of an upload put together in a private directory, and proved good there."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook import duckdb_reader as rows
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.restore.fetch import Source, fetch
from akosha_hook.snapshot.copy import hash_file
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.stores.s3.bucket import Bucket, Head
    from akosha_hook.util.progress import Progress

PREFIX = ".akosha-restore-"
KEPT = PREFIX + "download"
FORGOTTEN_SECONDS = 7 * 86_400
SPARE_BYTES = 64 * 1024 * 1024
CHECK_SECONDS = 120.0
CHECK_BYTES_PER_SECOND = 5_000_000
logger = logging.getLogger(__name__)
_HINT = "akosha-hook ls shows which uploads are complete."


@dataclass(frozen=True, slots=True)
class Staging:
    """A directory of ours: whole files in `whole`, what they are made of in `parts`.

    In `stored` are objects as they came, where `keeps` says that an interrupted restore may go on.
    """

    root: Path
    keeps: bool = False

    @property
    def whole(self) -> Path:
        return self.root / "whole"

    @property
    def parts(self) -> Path:
        return self.root / "parts"

    @property
    def stored(self) -> Path:
        return self.root / "stored"

    @property
    def bytes_kept(self) -> int:
        return sum(path.lstat().st_size for path in self.root.rglob("*") if path.is_file())

    def kept(self, key: str, head: Head) -> Path | None:
        """Where that very object is kept, whatever is at its key by the next time."""
        name = hashlib.sha256(f"{key}\0{head.etag}\0{head.size}".encode()).hexdigest()
        return self.stored / name if self.keeps else None


@contextmanager
def staging(beside: Path) -> Iterator[Staging]:
    """A new staging directory inside `beside`, gone when the block ends."""
    made = Staging(Path(mkdtemp(prefix=PREFIX, dir=beside)))
    try:
        made.whole.mkdir()
        made.parts.mkdir()
        yield made
    finally:
        files.remove_tree(made.root)


def continued(beside: Path, wanted: Sequence[StoredFile], heads: Mapping[str, Head]) -> Staging:
    """The staging directory inside `beside` that interrupted restores leave to the next one.

    What `wanted` does not need is removed from it, and everything else is proved before it is used.
    Raises AkoshaHookError where the disk has no room.
    """
    made = Staging(beside / KEPT, keeps=True)
    if made.root.is_symlink() or (made.root.exists() and not made.root.is_dir()):
        made.root.unlink()
    _refuse_foreign(made.root)
    for directory in (made.root, made.whole, made.parts, made.stored):
        files.private_directory(directory)
    expected = {made.kept(key, head) for key, head in heads.items()}
    expected |= {made.whole / each.name for each in wanted}
    for path in [*made.whole.iterdir(), *made.parts.iterdir(), *made.stored.iterdir()]:
        if path not in expected or path.is_symlink():
            _remove(path)
    left = need_room(beside, wanted, there=made.bytes_kept)
    most = max((sum(heads[key].size for key in _keys(each)) for each in wanted), default=0)
    return replace(made, keeps=left >= most)


def _refuse_foreign(root: Path) -> None:
    """Raise AkoshaHookError where another user could change what was proved before it is moved."""
    if root.exists() and root.lstat().st_uid != os.geteuid():
        raise AkoshaHookError(
            f"{root} belongs to another user, who could change what is restored.",
            hint="Restore to a directory of your own: akosha-hook restore --to DIR",
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        files.remove_tree(path)
    else:
        path.unlink()


def remove_stale(beside: Path) -> None:
    """Remove a download inside `beside` that nobody has continued for a week."""
    root = beside / KEPT
    # What was being put in place is for the next restore to undo.
    if not root.is_dir() or root.is_symlink() or any(root.glob("*.json")):
        return
    newest = max(path.lstat().st_mtime for path in (root, *root.rglob("*")))
    if abs(time.time() - newest) > FORGOTTEN_SECONDS:
        logger.info("Removed what a restore had downloaded into %s", root)
        files.remove_tree(root)


def _keys(file: StoredFile) -> tuple[str, ...]:
    return (file.key, file.delta.base_key) if file.delta else (file.key,)


def stored_objects(bucket: Bucket, wanted: Sequence[StoredFile]) -> dict[str, Head]:
    """What is in the bucket of every object that `wanted` needs, by key.

    Raises DamagedError where one is missing or not what the manifest says.
    """
    most = {each.key: each.stored_size for each in wanted}
    for each in wanted:
        if each.delta:
            most.setdefault(each.delta.base_key, _most_of_base(each))
    with ThreadPoolExecutor(catalog.READERS, thread_name_prefix="head") as pool:
        heads = dict(zip(most, pool.map(bucket.head, most), strict=True))
    found: dict[str, Head] = {}
    for key, head in heads.items():
        if head is None:
            raise DamagedError(f"{key} is not in the bucket.", hint=_HINT)
        if head.size > most[key]:
            raise DamagedError(f"{key} has {head.size:,} bytes, more than is believable.")
        found[key] = head
    for each in wanted:
        if found[each.key].size != each.stored_size:
            raise DamagedError(
                f"{each.key} has {found[each.key].size:,} bytes in the bucket, its manifest says "
                f"{each.stored_size:,}.",
                hint=_HINT,
            )
    return found


def _most_of_base(file: StoredFile) -> int:
    assert file.delta is not None
    return file.delta.base_size + file.delta.base_size // 64 + 64 * 1024


def need_room(directory: Path, wanted: Sequence[StoredFile], *, there: int = 0) -> int:
    """Bytes that stay free beside the files and their making, of which `there` exist already.

    Raises AkoshaHookError where the disk has no room.
    """
    making = max((_making_bytes(each) for each in wanted), default=0)
    needed = sum(each.size for each in wanted) + making + SPARE_BYTES
    free = shutil.disk_usage(directory).free + there
    if free < needed:
        raise AkoshaHookError(
            f"{directory} has {free:,} bytes free; the restore needs {needed:,}.",
            hint="Free some space, or restore elsewhere: akosha-hook restore --to DIR",
        )
    return free - needed


def _making_bytes(file: StoredFile) -> int:
    return file.delta.base_size + catalog.most_plain(file) if file.delta else 0


def assemble(
    bucket: Bucket,
    file: StoredFile,
    place: Staging,
    heads: Mapping[str, Head],
    progress: Progress,
) -> int:
    """Make `file` in the staging directory, its SHA-256 proved; bytes that were downloaded.

    Raises DamagedError.
    """
    wire: list[int] = []

    def advance(plain: int, sent: int, *, counts: bool = True) -> None:
        wire.append(sent)
        progress.advance(file.name, plain if counts else 0, sent)

    target = place.whole / file.name
    base_size = file.delta.base_size if file.delta else 0
    progress.file(file.name, base_size + file.size)
    if _is_whole(target, file):
        progress.advance(file.name, base_size + file.size, 0)
        return 0
    kept = {key: place.kept(key, heads[key]) for key in _keys(file)}
    resumed = any(path and path.exists() for path in kept.values())
    make = partial(_make, bucket, file, place, heads, kept=kept, advance=advance)
    try:
        make()
    except DamagedError:
        if not resumed:
            raise
        # A power cut may have left holes in what was kept: the bucket has the last word.
        _discard(kept)
        make()
    _discard(kept)
    if file.delta:
        progress.advance(file.name, file.size, 0)
    return sum(wire)


def _discard(kept: Mapping[str, Path | None]) -> None:
    for path in kept.values():
        if path is not None:
            path.unlink(missing_ok=True)


def _make(
    bucket: Bucket,
    file: StoredFile,
    place: Staging,
    heads: Mapping[str, Head],
    *,
    kept: Mapping[str, Path | None],
    advance: Callable[..., None],
) -> None:
    target = place.whole / file.name
    base, change = place.parts / "base", place.parts / "delta"
    target.unlink(missing_ok=True)
    compressed = file.compression == "gzip"
    whole = Source(file.key, file.stored_size, compressed, file.size, file.sha256)
    try:
        if file.delta is None:
            fetch(bucket, whole, target, advance, kept=kept[file.key])
            return
        base_source = Source(
            file.delta.base_key,
            heads[file.delta.base_key].size,
            file.delta.base_compression == "gzip",
            file.delta.base_size,
            file.delta.base_sha256,
        )
        fetch(bucket, base_source, base, advance, kept=kept[base_source.key])
        changes = Source(file.key, file.stored_size, compressed, catalog.most_plain(file))
        uncounted = partial(advance, counts=False)
        fetch(bucket, changes, change, uncounted, kept=kept[file.key])
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
    from akosha_hook.format import delta

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
            f"{file.key} does not give {file.name}: {error.message.rstrip('.')}.", hint=_HINT
        ) from error
    raise DamagedError(f"{file.key} is the delta of another file.", hint=_HINT)


def check(place: Staging, wanted: Sequence[StoredFile], progress: Progress) -> dict[str, str]:
    """Open and fully scan every database; what is wrong with each, "" where nothing is.

    One that cannot be judged here (a newer DuckDB made it) begins with `not checked`.
    """
    progress.phase("check")
    verdicts: dict[str, str] = {}
    for each in wanted:
        if each.name == each.database:
            limit = CHECK_SECONDS + each.size / CHECK_BYTES_PER_SECOND
            try:
                problem = rows.check(place.whole / each.name, timeout_seconds=limit)
            except rows.NotCheckedError as error:
                problem = f"not checked: {error.message}"
            verdicts[each.name] = problem or ""
    return verdicts
