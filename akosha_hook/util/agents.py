"""Whether a coding agent started this process, and whether a person sits at a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# What agents set for the commands that they run. Variables with which a user configures an agent in
# a shell's profile, such as CODEX_HOME, say nothing.
VARIABLES = (
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_PROJECT_DIR",
    "CODEX_CI",
    "CODEX_MANAGED_BY_NPM",
    "CODEX_MANAGED_PACKAGE_ROOT",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_SESSION_ID",
    "CODEX_THREAD_ID",
    "GEMINI_CLI",
    "GEMINI_PROJECT_DIR",
    "GEMINI_SESSION_ID",
    "QWEN_CODE",
    "QWEN_CODE_SESSION_ID",
    "QWEN_PROJECT_DIR",
    "COPILOT_CLI",
    "FACTORY_PROJECT_DIR",
    "AI_AGENT",
    "CURSOR_AGENT",
    "OPENCODE",
)


def agent(environ: Mapping[str, str]) -> str | None:
    """The variable by which an agent is recognised; None where there is none."""
    return next((name for name in VARIABLES if environ.get(name)), None)


def person_at_terminal(environ: Mapping[str, str]) -> bool:
    """Whether somebody can be asked: a terminal to read from and to write to, and no agent.

    Some agents give the commands they run a terminal of their own.
    """
    return agent(environ) is None and all(
        stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)
    )
