"""A real DuckDB writer in another process, as Session-Buddy is one."""

from __future__ import annotations

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
"""


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
