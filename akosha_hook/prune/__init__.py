"""Deleting old uploads by rules, and nothing that a kept one needs."""

from __future__ import annotations

from akosha_hook.prune.automatic import after_upload
from akosha_hook.prune.collapse import accept as accept_losses
from akosha_hook.prune.keep import Keep
from akosha_hook.prune.planning import Plan, plan
from akosha_hook.prune.pruning import Pruned, apply

__all__ = ["Keep", "Plan", "Pruned", "accept_losses", "after_upload", "apply", "plan"]
