from __future__ import annotations

from tests.support.syncing import data, large

__all__ = ["data", "large"]
