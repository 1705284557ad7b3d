"""MCP servers of ours that the user has registered with Claude Code: only named, never changed.

Claude Code rewrites that file all the time, and whoever registers a server takes it out again.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from akosha_hook.errors import AkoshaHookError
from akosha_hook.install import json_text
from akosha_hook.install.plan import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.paths import Paths

_OURS = re.compile(r"(?:^|[\s/])akosha-hook\s+mcp\b|\s-m\s+akosha_hook\s+mcp\b")


def removal_steps(paths: Paths) -> Iterator[str]:
    """What to type to take them out, under whatever name they are registered."""
    document = _configuration(paths)
    for name in _ours(document):
        yield f"claude mcp remove {shlex.quote(name)} --scope user"
    projects = document.get("projects")
    for directory, project in projects.items() if isinstance(projects, dict) else ():
        for name in _ours(project):
            where, what = shlex.quote(directory), shlex.quote(name)
            yield f"cd {where} && claude mcp remove {what} --scope local"


def _configuration(paths: Paths) -> dict[str, Any]:
    """Claude Code's own state; it lies beside ~/.claude, and in a directory named otherwise."""
    beside = (paths.claude.with_name(".claude.json"),) if paths.claude.name == ".claude" else ()
    for path in (paths.claude / ".claude.json", *beside):
        try:
            content = read(path)
            document = json_text.parse(json_text.decode(content.data if content else b"")[1])
        except AkoshaHookError:
            continue
        if isinstance(document, dict) and document:
            return document
    return {}


def _ours(holder: Any) -> Iterator[str]:
    servers = holder.get("mcpServers") if isinstance(holder, dict) else None
    for name, server in servers.items() if isinstance(servers, dict) else ():
        if isinstance(server, dict) and _OURS.search(_command_line(server)):
            yield name


def _command_line(server: dict[str, Any]) -> str:
    arguments = server.get("args")
    words = [server.get("command"), *(arguments if isinstance(arguments, list) else ())]
    return " ".join(word for word in words if isinstance(word, str))
