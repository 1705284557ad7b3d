"""The hook script and the interpreter that it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.install import script
from akosha_hook.install.plan import PlanError

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("executable", "instead"),
    [
        ("/home/ada/.cache/uv/archive-v0/abc/bin/python", "uv tool install akosha-hook"),
        ("/srv/uvcache/environments-v2/akosha-1/bin/python", "uv tool install akosha-hook"),
        ("/home/ada/.cache/pipx/0a1b2c/bin/python", "pipx install akosha-hook"),
        ("/home/ada/.local/pipx/.cache/0a1b2c/bin/python", "pipx install akosha-hook"),
        ("/home/ada/.cache/pre-commit/repoab12/py_env-python3.11/bin/python", "pip install"),
    ],
)
def test_a_throwaway_environment_is_refused(executable: str, instead: str) -> None:
    with pytest.raises(PlanError, match="outlive the interpreter") as caught:
        script.refuse_throwaway(executable)
    assert instead in caught.value.hint


@pytest.mark.parametrize(
    "executable",
    [
        "/home/ada/.local/share/uv/tools/akosha-hook/bin/python",
        "/home/ada/.local/share/pipx/venvs/akosha-hook/bin/python",
        "/usr/bin/python3",
    ],
)
def test_a_lasting_environment_is_not(executable: str) -> None:
    script.refuse_throwaway(executable)
