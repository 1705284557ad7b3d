from __future__ import annotations

import contextlib
import io
import os
import pty
import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook.util import agents

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def terminal() -> Iterator[None]:
    controller, device = pty.openpty()
    with (
        os.fdopen(device, "r+b", buffering=0) as raw,
        io.TextIOWrapper(raw) as text,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdin", text)
        patch.setattr(sys, "stderr", text)
        yield
    os.close(controller)


@pytest.mark.parametrize("variable", ["CLAUDECODE", "CODEX_THREAD_ID", "QWEN_CODE_SESSION_ID"])
def test_an_agent_with_a_terminal_is_no_person(variable: str) -> None:
    assert agents.agent({variable: "1"}) == variable
    with terminal():
        assert not agents.person_at_terminal({variable: "1"})


def test_a_user_who_has_configured_an_agent_is_a_person() -> None:
    environ = {"CODEX_HOME": "/home/me/.codex", "GEMINI_API_KEY": "x", "CLAUDECODE": ""}
    assert agents.agent(environ) is None
    with terminal():
        assert agents.person_at_terminal(environ)


def test_without_a_terminal_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not agents.person_at_terminal({})
    monkeypatch.setattr(sys, "stdin", None)
    assert not agents.person_at_terminal({})
