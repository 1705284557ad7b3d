"""What docs/restoring.md says to type by hand."""

from __future__ import annotations

import gzip
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deltas import encode

PAGE = Path(__file__).parents[1] / "docs" / "restoring.md"


@pytest.mark.parametrize("packed", [True, False])
def test_a_delta_is_put_together_by_the_pages_own_program(tmp_path: Path, packed: bool) -> None:
    base = random.Random(1).randbytes(3_000_000)
    target = base[:1_000_000] + b"ten new rows" + base[1_000_012:] + b"and a tail"
    delta = encode(base, target)
    assert len(delta) < len(target) / 3
    for name, data in (("base", base), ("delta", delta)):
        (tmp_path / name).write_bytes(gzip.compress(data) if packed else data)
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(program.splitlines()) <= 26
    (tmp_path / "join.py").write_text(program)
    subprocess.run(
        [sys.executable, "join.py", "base", "delta", "reflection.duckdb"], cwd=tmp_path, check=True
    )
    assert (tmp_path / "reflection.duckdb").read_bytes() == target


def test_gunzip_reads_an_object_of_many_members(tmp_path: Path) -> None:
    from akosha_hook.format import pack

    plain = random.Random(2).randbytes(2_500_000)
    (tmp_path / "plain").write_bytes(plain)
    stored = b"".join(pack.packed(pack.read_blocks(tmp_path / "plain"), compress=True))
    result = subprocess.run(["gunzip"], input=stored, stdout=subprocess.PIPE, check=True)
    assert result.stdout == plain
