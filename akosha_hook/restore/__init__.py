"""Memories back from the store: select an upload, fetch and check its files, put them in place."""

from __future__ import annotations

from akosha_hook.restore.pipeline import Restored
from akosha_hook.restore.plan import Plan, plan
from akosha_hook.restore.run import restore
from akosha_hook.restore.select import LATEST, RestoreRequest
from akosha_hook.restore.verify import damaged_newest, verify

__all__ = [
    "LATEST",
    "Plan",
    "RestoreRequest",
    "Restored",
    "damaged_newest",
    "plan",
    "restore",
    "verify",
]
