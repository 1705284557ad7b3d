"""Memories back from the bucket: choose an upload, fetch and check its files, put them in place."""

from __future__ import annotations

from akosha_hook.restore.choice import LATEST, Wish
from akosha_hook.restore.drill import Drill, last_drill, verify
from akosha_hook.restore.restoring import Plan, Restored, plan, run

__all__ = ["LATEST", "Drill", "Plan", "Restored", "Wish", "last_drill", "plan", "run", "verify"]
