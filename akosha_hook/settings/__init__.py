"""Settings: one table of fields, layers of values over it, and the origin of each value."""

from __future__ import annotations

from akosha_hook.settings.fields import Settings
from akosha_hook.settings.loading import Loaded, check_value, load, load_strict
from akosha_hook.settings.origin import Layer, Origin

__all__ = ["Layer", "Loaded", "Origin", "Settings", "check_value", "load", "load_strict"]
