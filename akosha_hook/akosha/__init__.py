"""Pushes memories, row by row, to an Akosha server over its MCP endpoint.

A push is never a backup: the server keeps memories in RAM, has no tool for knowledge graphs, needs an
embedding with every row, and never updates a row that it has. What it does not take is counted and
reported.
"""

from __future__ import annotations

from akosha_hook.akosha.acknowledged import forget
from akosha_hook.akosha.client.probing import ServerState, probe, url_is_set
from akosha_hook.akosha.look import has_lost, is_due
from akosha_hook.akosha.push import PushResult, push

__all__ = [
    "PushResult",
    "ServerState",
    "forget",
    "has_lost",
    "is_due",
    "probe",
    "push",
    "url_is_set",
]
