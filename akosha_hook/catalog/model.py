"""An upload as the store has it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.format import manifest
from akosha_hook.format.parse import uploaded_at

if TYPE_CHECKING:
    from akosha_hook.format.manifest import Manifest
    from akosha_hook.stores.base import Listed


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of a system.

    `objects` are those below its own prefix. `missing` are keys its manifest names that are not
    there, or not at their size. `problem` says why a manifest cannot be used. `is_referenced`
    says that another upload refers to an object of this one. `manifest_sha256` is of the manifest's
    bytes, "" where none was read. `ahead` says that it claims to be of more than a day ahead of this
    machine's clock and is not this state's own: such an upload ranks below all others.
    """

    system_id: str
    upload_id: str
    objects: tuple[Listed, ...]
    manifest: Manifest | None = None
    problem: str = ""
    missing: tuple[str, ...] = ()
    is_referenced: bool = False
    manifest_sha256: str = ""
    ahead: bool = False
    odd_names: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return self.manifest is not None and not self.problem and not self.missing

    @property
    def has_manifest(self) -> bool:
        return any(each.key.endswith(f"/{manifest.NAME}") for each in self.objects)

    @property
    def manifest_bytes(self) -> int:
        """Bytes of its manifest by the listing, or what is read of one that is longer."""
        sizes = (each.size for each in self.objects if each.key.endswith(f"/{manifest.NAME}"))
        return min(next(sizes, 0), manifest.MAX_BYTES)

    @property
    def at(self) -> dt.datetime:
        """When it was made: by its manifest, else by its newest object."""
        if self.manifest is not None:
            return uploaded_at(self.manifest)
        newest = max((each.modified for each in self.objects), default=0.0)
        return dt.datetime.fromtimestamp(newest, dt.UTC)

    @property
    def sequence(self) -> int:
        return self.manifest.metadata.sequence if self.manifest else -1

    @property
    def stored_bytes(self) -> int:
        """Bytes of its own objects."""
        return sum(each.size for each in self.objects)
