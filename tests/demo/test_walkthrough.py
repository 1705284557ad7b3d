"""What the walkthrough needs; the whole of it runs in tests/cli/test_demo.py."""

from __future__ import annotations

import os

import pytest

from akosha_hook.demo.walkthrough import check_environment
from akosha_hook.errors import AkoshaHookError


def test_without_git_the_demo_does_not_start() -> None:
    check_environment(os.environ)
    with pytest.raises(AkoshaHookError) as caught:
        check_environment({"PATH": "/nowhere"})
    assert caught.value.hint == "Install git, then try again."
