"""Memories back from the store: select an upload, fetch and check its files, put them in place."""

from __future__ import annotations

from akosha_hook.restore.all_uploads import AllUploads, CheckedUpload, check_uploads
from akosha_hook.restore.pipeline import Restored
from akosha_hook.restore.places import notes as place_notes
from akosha_hook.restore.plan import Plan, plan
from akosha_hook.restore.preview import preview_sets
from akosha_hook.restore.read_all import read_all
from akosha_hook.restore.run import restore
from akosha_hook.restore.select import LATEST, RestoreRequest
from akosha_hook.restore.sets import SetResult
from akosha_hook.restore.verify import damaged_newest, verify

__all__ = [
    "LATEST",
    "AllUploads",
    "CheckedUpload",
    "Plan",
    "RestoreRequest",
    "Restored",
    "SetResult",
    "check_uploads",
    "damaged_newest",
    "place_notes",
    "plan",
    "preview_sets",
    "read_all",
    "restore",
    "verify",
]
