"""Whose uploads are: this state's own, by its ledger, or somebody else's.

What a manifest says of its machine proves nothing: whoever can write to the store can have
written it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from akosha_hook.state import identity
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.ledger_lines import NO_MANIFEST
from akosha_hook.state.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.catalog.model import Upload
    from akosha_hook.context import Context
    from akosha_hook.state.ledger_lines import Entry

# `changed`: under an id of ours, but with another manifest than the one that was stored.
Whose = Literal["own", "changed", "other"]
SHORT_ID = 8
# 0.1 noted no size; a manifest that names MAX_FILES files would be longer, but none does.
UNSIZED_BYTES = 256 * 1024
_NO_WORD = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Ownership:
    """What this state can say of uploads; `machine_id` is "" where it has none yet."""

    machine_id: str
    ledger: Ledger

    @classmethod
    def look(cls, context: Context) -> Ownership:
        """As it is now, without changing anything on disk."""
        me = identity.look(context.paths, context.settings)
        ledger = Ledger(context.paths, read_only=True)
        ledger.begin(Receipts(context.paths).newest_first(), me.sequence)
        return cls(me.machine_id, ledger)

    def of(self, upload: Upload) -> Whose:
        entry = self.ledger.by_upload().get(upload.upload_id)
        if entry is None or entry.system != upload.system_id:
            return "other"
        if not self.ledger.is_own(upload.upload_id, self.machine_id):
            return "other"
        if upload.manifest_sha256 and not self._vouches_for(upload, entry):
            return "changed"
        return "own"

    def _vouches_for(self, upload: Upload, entry: Entry) -> bool:
        """Whether the manifest is the one that was stored.

        Of what 0.1 stored there may be no hash. All of it has lower sequence numbers than whatever
        is in the ledger since, and none of its manifests is unreadable.
        """
        if entry.sha256:
            return entry.vouches_for(upload.manifest_sha256)
        return upload.manifest is not None and upload.sequence <= self.ledger.since

    def owns(self, upload: Upload) -> bool:
        return self.of(upload) == "own"

    def expects(self, upload: Upload) -> bool:
        """Whether the listing has its manifest as this state stored it, as far as its size tells."""
        entry = self.ledger.by_upload().get(upload.upload_id)
        if entry is None or entry.system != upload.system_id:
            return False
        if not self.ledger.is_own(upload.upload_id, self.machine_id):
            return False
        return (
            upload.manifest_bytes <= UNSIZED_BYTES
            if not entry.size
            else (upload.manifest_bytes == entry.size)
        )

    def has_stored(self, store: str, system_id: str) -> bool:
        """Whether this state has stored any upload of a system there, as the ledger names stores."""
        return any(
            (each.store, each.system) == (store, system_id)
            and each.sha256 != NO_MANIFEST
            and self.ledger.is_own(each.upload, self.machine_id)
            for each in self.ledger.by_upload().values()
        )

    def of_a_copy(self, uploads: Iterable[Upload]) -> tuple[Upload, ...]:
        """Those that bear this machine's id and are not of this state: a copy of it uploads too."""
        return tuple(
            each
            for each in uploads
            if self.machine_id
            and each.manifest is not None
            and each.manifest.metadata.machine_id == self.machine_id
            and each.manifest.metadata.sequence > self.ledger.since
            and each.upload_id not in self.ledger.by_upload()
            # No copy of this state has a clock of its own: this is somebody who pretends to be one.
            and not each.ahead
        )


def machine_of(upload: Upload) -> str:
    """The id of the machine that made an upload, by its manifest; "" without one."""
    return upload.manifest.metadata.machine_id if upload.manifest else ""


def machine_name(upload: Upload) -> str:
    """That machine as messages name it: the beginning of its id is enough for `--machine`."""
    # It may be typed as it is shown: nothing that a shell would take for more than a word.
    machine = _NO_WORD.sub("", machine_of(upload))
    return machine[:SHORT_ID] or "unknown"


def copy_note(upload: Upload) -> str:
    """What to say where nothing may be changed of one of `of_a_copy`."""
    return (
        f"{upload.upload_id} bears this machine's id, but this machine has no record of it: a copy "
        "of its state directory uploads too, or an older state was put back. The next "
        "akosha-hook prune gives this machine a new id, unless it got one within the last "
        f"{identity.SHARED_DAYS} days."
    )
