from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_demo_does_the_main_job_proves_it_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    result = subprocess.run(
        [sys.executable, "-P", "-m", "akosha_hook", "demo"],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    output = result.stdout
    assert output.count("receipt: ~/.claude/akosha/receipts/") == 2
    assert "Backup        on" in output
    assert "equal  knowledge_graph.duckdb" in output
    assert "equal  reflection.duckdb" in output
    assert list(temporary.iterdir()) == []
