"""An Akosha server as a destination: memories pushed row by row over its MCP endpoint.

What the server cannot take is said, not hidden: it has no tool for knowledge graphs, needs an
embedding with every row, and never updates one.
"""

from __future__ import annotations

from akosha_hook.akosha.acknowledged import forget
from akosha_hook.akosha.client.probing import ServerState, probe
from akosha_hook.akosha.destination import Akosha

__all__ = ["Akosha", "ServerState", "forget", "probe"]
