"""Running `akosha-hook config` in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from akosha_hook.cli import cli
from akosha_hook.cli.boundary import run

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class ConfigCommand:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Result:
        code = run(cli, ["config", *map(str, arguments)])
        shown = self._capsys.readouterr()
        return Result(code, shown.out, shown.err)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
