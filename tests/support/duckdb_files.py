"""Database files as a crash, an older Session-Buddy or a newer DuckDB leaves them."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINTING = """
import sys, threading, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE conversations_v2 (id VARCHAR PRIMARY KEY, content VARCHAR)")
connection.execute("INSERT INTO conversations_v2 SELECT 'old' || i, repeat('x' || i, 50) "
                   "FROM range(20000) t(i)")
def write():
    cursor, row = connection.cursor(), 0
    while True:
        cursor.execute("INSERT INTO conversations_v2 VALUES (?, 'new')", [f"new{row}"])
        row += 1
        print(row, flush=True)
threading.Thread(target=write, daemon=True).start()
cursor = connection.cursor()
while True:
    try:
        cursor.execute("CHECKPOINT")
    except duckdb.TransactionException:
        pass
"""


def make(path: Path, *statements: str) -> Path:
    """A closed, checkpointed database."""
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def crash_after(path: Path, *statements: str, end: signal.Signals = signal.SIGKILL) -> Path:
    """Run the statements and die of a signal: what they did is in the `.wal` only."""
    program = (
        "import os, signal, sys, duckdb\n"
        "connection = duckdb.connect(sys.argv[1])\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "for statement in sys.argv[3:]:\n"
        "    connection.execute(statement)\n"
        "os.kill(os.getpid(), int(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", program, str(path), str(int(end)), *statements]
    assert subprocess.run(command, check=False).returncode == -end
    return path


def crash_in_checkpoint(directory: Path) -> tuple[Path, int]:
    """A database whose writer was killed in a checkpoint, and how many rows it had acknowledged."""
    for attempt in range(20):
        path = directory / f"attempt-{attempt}" / "reflection.duckdb"
        sidecar = path.with_name(path.name + ".wal.checkpoint")
        path.parent.mkdir()
        with subprocess.Popen(
            [sys.executable, "-c", CHECKPOINTING, str(path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            rows = 0
            for line in process.stdout:
                rows = int(line)
                if rows >= 20 and sidecar.exists():
                    process.send_signal(signal.SIGSTOP)
                    if sidecar.exists():
                        break
                    process.send_signal(signal.SIGCONT)
            process.kill()
            rows = max([rows, *map(int, process.stdout.read().split(b"\n")[:-1])])
        if sidecar.exists():
            return path, 20_000 + rows
    raise AssertionError("no writer could be killed in a checkpoint")


def make_too_new(path: Path) -> None:
    """Give a database the version number of a DuckDB nobody has yet."""
    data = bytearray(path.read_bytes())
    data[12:20] = (5000).to_bytes(8, "little")
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", data[8:4096]):
        checksum ^= word * 0xBF58476D1CE4E5B9 & 0xFFFF_FFFF_FFFF_FFFF
    data[:8] = checksum.to_bytes(8, "little")
    path.write_bytes(data)


def contents(directory: Path) -> dict[str, bytes]:
    """Every file in a directory, by name."""
    return {each.name: each.read_bytes() for each in directory.iterdir()}
