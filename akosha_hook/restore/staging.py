"""The files of an upload put together in a private directory, and proved good there."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from akosha_hook import catalog, files, rows
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.restore.fetch import Source, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from akosha_hook.destinations.cloud.bucket import Bucket
    from akosha_hook.manifest import StoredFile
    from akosha_hook.progress import Progress

PREFIX = ".akosha-restore-"
SPARE_BYTES = 64 * 1024 * 1024
CHECK_SECONDS = 120.0
CHECK_BYTES_PER_SECOND = 5_000_000
_HINT = "akosha-hook ls shows which uploads are complete."


@dataclass(frozen=True, slots=True)
class Staging:
    """A directory of ours: whole files in `whole`, what they are made of in `parts`."""

    root: Path

    @property
    def whole(self) -> Path:
        return self.root / "whole"

    @property
    def parts(self) -> Path:
        return self.root / "parts"


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


def stored_sizes(bucket: Bucket, wanted: Sequence[StoredFile]) -> dict[str, int]:
    """Size in the bucket of every object that `wanted` needs, by key.

    Raises DamagedError where one is missing or not what the manifest says.
    """
    most = {each.key: each.stored_size for each in wanted}
    for each in wanted:
        if each.delta:
            most.setdefault(each.delta.base_key, _most_of_base(each))
    with ThreadPoolExecutor(catalog.READERS, thread_name_prefix="head") as pool:
        heads = dict(zip(most, pool.map(bucket.head, most), strict=True))
    sizes: dict[str, int] = {}
    for key, head in heads.items():
        if head is None:
            raise DamagedError(f"{key} is not in the bucket.", hint=_HINT)
        if head.size > most[key]:
            raise DamagedError(f"{key} has {head.size:,} bytes, more than is believable.")
        sizes[key] = head.size
    for each in wanted:
        if sizes[each.key] != each.stored_size:
            raise DamagedError(
                f"{each.key} has {sizes[each.key]:,} bytes in the bucket, its manifest says "
                f"{each.stored_size:,}.",
                hint=_HINT,
            )
    return sizes


def _most_of_base(file: StoredFile) -> int:
    assert file.delta is not None
    return file.delta.base_size + file.delta.base_size // 64 + 64 * 1024


def need_room(directory: Path, wanted: Sequence[StoredFile]) -> None:
    """Raises AkoshaHookError where the disk has no room for the files and their making."""
    making = max((_making_bytes(each) for each in wanted), default=0)
    needed = sum(each.size for each in wanted) + making + SPARE_BYTES
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise AkoshaHookError(
            f"{directory} has {free:,} bytes free; the restore needs {needed:,}.",
            hint="Free some space, or restore elsewhere: akosha-hook restore --to DIR",
        )


def _making_bytes(file: StoredFile) -> int:
    return file.delta.base_size + catalog.most_plain(file) if file.delta else 0


def assemble(
    bucket: Bucket,
    file: StoredFile,
    place: Staging,
    sizes: Mapping[str, int],
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
    compressed = file.compression == "gzip"
    if file.delta is None:
        source = Source(file.key, file.stored_size, compressed, file.size, file.sha256)
        fetch(bucket, source, target, advance)
        return sum(wire)
    base, change = place.parts / "base", place.parts / "delta"
    base_source = Source(
        file.delta.base_key,
        sizes[file.delta.base_key],
        file.delta.base_compression == "gzip",
        file.delta.base_size,
        file.delta.base_sha256,
    )
    try:
        fetch(bucket, base_source, base, advance)
        changes = Source(file.key, file.stored_size, compressed, catalog.most_plain(file))
        fetch(bucket, changes, change, partial(advance, counts=False))
        _apply(file, base, change, target)
    finally:
        base.unlink(missing_ok=True)
        change.unlink(missing_ok=True)
    progress.advance(file.name, file.size, 0)
    return sum(wire)


def _apply(file: StoredFile, base: Path, change: Path, target: Path) -> None:
    from akosha_hook import delta

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
