"""The private directory in which a restore puts files together."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError, Kind
from akosha_hook.format.limits import max_plain
from akosha_hook.restore.objects import object_keys
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.stores.base import Info

PREFIX = ".akosha-restore-"
KEPT = PREFIX + "download"
FORGOTTEN_SECONDS = 7 * 86_400
SPARE_BYTES = 64 * 1024 * 1024
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Staging:
    """A directory of ours: whole files in `whole`, what they are made of in `parts`.

    In `stored` are objects as they came: where `keeps` says that an interrupted restore may go on,
    and those whose keys are in `shared`, since several files are made of them.
    """

    root: Path
    keeps: bool = False
    shared: frozenset[str] = frozenset()

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

    def kept(self, key: str, info: Info) -> Path | None:
        """Where this version of the object, by ETag and size, is kept; None where none are."""
        name = hashlib.sha256(f"{key}\0{info.etag}\0{info.size}".encode()).hexdigest()
        return self.stored / name if self.keeps or key in self.shared else None


@contextmanager
def temporary_staging(beside: Path) -> Iterator[Staging]:
    """A new staging directory inside `beside`, gone when the block ends."""
    staging = Staging(Path(mkdtemp(prefix=PREFIX, dir=beside)))
    try:
        staging.whole.mkdir()
        staging.parts.mkdir()
        yield staging
    finally:
        files.remove_tree(staging.root)


def continued(beside: Path, wanted: Sequence[StoredFile], infos: Mapping[str, Info]) -> Staging:
    """The staging directory inside `beside` that interrupted restores leave to the next one.

    What `wanted` does not need is removed from it, and everything else is proved before it is used.
    Raises AkoshaHookError where the disk has no room.
    """
    staging = Staging(beside / KEPT, keeps=True)
    if staging.root.is_symlink() or (staging.root.exists() and not staging.root.is_dir()):
        staging.root.unlink()
    _refuse_foreign(staging.root)
    for directory in (staging.root, staging.whole, staging.parts, staging.stored):
        files.private_directory(directory)
    expected = {staging.kept(key, info) for key, info in infos.items()}
    expected |= {staging.whole / each.name for each in wanted}
    for path in [*staging.whole.iterdir(), *staging.parts.iterdir(), *staging.stored.iterdir()]:
        if path not in expected or path.is_symlink():
            _remove(path)
    try:
        left = need_room(beside, wanted, there=staging.bytes_kept)
    except AkoshaHookError:
        if not staging.bytes_kept:
            files.remove_tree(staging.root)
        raise
    most = max((sum(infos[key].size for key in object_keys(each)) for each in wanted), default=0)
    return replace(staging, keeps=left >= most)


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


def need_room(directory: Path, wanted: Sequence[StoredFile], *, there: int = 0) -> int:
    """Bytes that will be free once the files are restored, `there` bytes of them being there already.

    Raises AkoshaHookError where the disk has no room.
    """
    making = max((_making_bytes(each) for each in wanted), default=0)
    needed = sum(each.size for each in wanted) + making + SPARE_BYTES
    free = shutil.disk_usage(directory).free + there
    if free < needed:
        raise AkoshaHookError(
            f"{directory} has {free:,} bytes free; the restore needs {needed:,}.",
            hint="Free some space, or restore elsewhere: akosha-hook restore --to DIR",
            kind=Kind.FULL,
        )
    return free - needed


def _making_bytes(file: StoredFile) -> int:
    return file.delta.base_size + max_plain(file) if file.delta else 0
