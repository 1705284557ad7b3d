"""Backs up Session-Buddy's memory databases to object storage when a session ends or a commit is made."""

from __future__ import annotations

# Every worker a hook starts imports this; most of them only to find that another has the lock.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from akosha_hook.api import akosha_sync_status, sync_to_akosha
    from akosha_hook.version import __version__

__all__ = ["__version__", "akosha_sync_status", "sync_to_akosha"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from akosha_hook.version import __version__

        return __version__
    if name in {"akosha_sync_status", "sync_to_akosha"}:
        from akosha_hook import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
