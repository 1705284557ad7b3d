from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import process

LARGE = 64_000_000


def test_memory_of_a_child_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child holds it until it was seen: a busy machine samples when it gets to it."""
    seen = tmp_path / "seen"
    real = process._resident

    def told(pid: int) -> int:
        if (rss := real(pid)) > LARGE:
            seen.touch()
        return rss

    hold = (
        f"data = b'x' * {LARGE}; import os, time\n"
        f"for _ in range(6000):\n"
        f"    os.path.exists({str(seen)!r}) and exit()\n"
        "    time.sleep(0.01)"
    )
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    monkeypatch.setattr(process, "_resident", told)
    usage = process.run([sys.executable, "-c", nested], os.environ)
    assert usage.peak_bytes > LARGE


def test_a_command_that_fails_ends_the_bench_with_what_it_said() -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        process.run([sys.executable, "-c", "raise SystemExit('no such thing')"], os.environ)


def test_grandchildren_belong_to_the_tree() -> None:
    command = ["sh", "-c", "sh -c 'echo ready; read x; true'; true"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as root:
        assert root.stdout
        root.stdout.readline()
        assert len(process.tree(root.pid)) == 2
        root.communicate(b"\n")
