"""How old what is stored is: the store's clock against this machine's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akosha_hook.catalog import Upload

# Whoever stored it may still be at work on what refers to it.
YOUNG_SECONDS = 3600.0
# Another machine may be in the middle of what is younger.
ABANDONED_SECONDS = 86_400.0


def now() -> float:
    """Epoch seconds."""
    return time.time()


def newest_object(upload: Upload) -> float:
    """When its last object was stored; where the store does not say, that may be just now."""
    return max((each.modified or now() for each in upload.objects), default=0.0)


def is_young(upload: Upload) -> bool:
    """Whether any of its objects is younger than an hour."""
    return newest_object(upload) > now() - YOUNG_SECONDS


def is_abandoned(stored: float) -> bool:
    """Whether what was stored last at that time (epoch seconds), and not ended, never will be."""
    return stored < now() - ABANDONED_SECONDS
