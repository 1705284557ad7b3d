"""A real DuckDB writer in another process, as Session-Buddy is one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

_PROGRAM = """
import sys, threading
import duckdb
from akosha_hook.demo.databases import add_conversations

connection = duckdb.connect(sys.argv[1])
number = connection.execute("SELECT count(*) FROM conversations_v2").fetchone()[0]
running = False
acknowledged = 0
failures = []

def insert_forever():
    global number, acknowledged
    while running:
        try:
            add_conversations(connection, 1, start=number)
            number += 1
            acknowledged += 1
            if acknowledged % 50 == 0:
                connection.execute("CHECKPOINT")
        except Exception as error:
            failures.append(str(error))
            return

print("ready", flush=True)
thread = None
for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    if command == "insert":
        add_conversations(connection, int(argument), start=number)
        number += int(argument)
    elif command == "checkpoint":
        connection.execute("CHECKPOINT")
    elif command == "start":
        running = True
        thread = threading.Thread(target=insert_forever)
        thread.start()
    elif command == "count":
        print(acknowledged, flush=True)
        continue
    elif command == "stop":
        running = False
        thread.join()
        print(repr(failures), flush=True)
        continue
    print("ok", flush=True)
running = False
"""

_CHECKPOINTS_MEANWHILE = """
import sys, threading
import duckdb
from akosha_hook.demo.databases import add_conversations

connection = duckdb.connect(sys.argv[1])
number = connection.execute("SELECT count(*) FROM conversations_v2").fetchone()[0]

def checkpoint_forever():
    cursor = connection.cursor()
    while True:
        try:
            cursor.execute("CHECKPOINT")
        except duckdb.TransactionException:
            pass

threading.Thread(target=checkpoint_forever, daemon=True).start()
while True:
    add_conversations(connection, 1, start=number)
    number += 1
    print(number, flush=True)
"""
ENOUGH_ROWS = 300


def killed_in_checkpoint(database: Path, committed: Path) -> int:
    """Kill a writer in mid-checkpoint, with rows committed meanwhile; the rows it knew stored.

    DuckDB 2 leaves a `.wal.checkpoint` beside the `.wal` then; an older one, only the `.wal`.
    """
    sidecar = database.with_name(database.name + ".wal.checkpoint")
    with committed.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _CHECKPOINTS_MEANWHILE, str(database)],
            stdout=output,
            cwd=Path(__file__).parents[2],
        )
    while committed.read_bytes().count(b"\n") < ENOUGH_ROWS:
        assert process.poll() is None, "the writer ended"
        if sidecar.exists():
            process.send_signal(signal.SIGSTOP)
            if sidecar.exists():
                break
            process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
    return int((committed.read_text().split() or ["0"])[-1])


class Writer:
    """Holds the database open read-write until the block ends; `kill` ends it like a crash."""

    def __init__(self, database: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self._answer()

    @property
    def pid(self) -> int:
        return self._process.pid

    def insert(self, count: int) -> None:
        self._ask(f"insert {count}")

    def checkpoint(self) -> None:
        self._ask("checkpoint")

    def start_inserting(self) -> None:
        self._ask("start")

    def acknowledged(self) -> int:
        """Rows committed since `start_inserting`."""
        return int(self._ask("count"))

    def stop_inserting(self) -> list[str]:
        """What failed for the writer meanwhile."""
        answer = self._ask("stop")
        return [] if answer == "[]" else [answer]

    def close(self) -> None:
        """Close the database and end, as the block's end does."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _ask(self, command: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the writer ended"
        return line.strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
