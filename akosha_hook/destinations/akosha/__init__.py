"""An Akosha server as a destination: memories pushed row by row over its MCP endpoint.

What the server cannot take is said, not hidden: it has no tool for knowledge graphs, needs an
embedding with every row, and never updates one.
"""

from __future__ import annotations

from akosha_hook.destinations.akosha.acknowledged import forget
from akosha_hook.destinations.akosha.destination import Akosha
from akosha_hook.destinations.akosha.probing import ServerState, probe

__all__ = ["Akosha", "ServerState", "forget", "probe"]
