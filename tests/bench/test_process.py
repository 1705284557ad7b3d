from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench import process


def test_memory_of_a_child_counts() -> None:
    hold = "data = b'x' * 64_000_000; import time; time.sleep(0.5)"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    usage = process.run([sys.executable, "-c", nested], os.environ)
    assert usage.peak_bytes > 64_000_000


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
