from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "module", "code", "text"),
    [
        (("status",), "click", 130, "Interrupted.\n"),
        (("run", "post-commit"), "akosha_hook.hook.entry", 0, ""),
    ],
)
def test_ctrl_c_while_modules_are_loaded_leaves_no_traceback(
    tmp_path: Path, arguments: tuple[str, ...], module: str, code: int, text: str
) -> None:
    """An import hook presses Ctrl-C as `module` is looked for."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", "akosha_hook", *arguments],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (result.returncode, result.stderr, result.stdout) == (code, text, "")
