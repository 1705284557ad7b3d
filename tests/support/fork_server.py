"""The process behind `tests.support.forks`: imports everything, then forks for each request."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import akosha_hook
from akosha_hook.stores.s3.minio_patch import leave_out_admin_client

MACHINE_ID = "/etc/machine-id"
RealDatetime = dt.datetime


def serve(path: str) -> None:
    """Listen on the socket `path` until stdin is closed."""
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(128)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _keep(connection)
        connection.close()


def _import_everything() -> None:
    leave_out_admin_client()
    for module in pkgutil.walk_packages(akosha_hook.__path__, "akosha_hook."):
        if not module.name.startswith(("akosha_hook.demo", "akosha_hook.mcp")):
            importlib.import_module(module.name)


def _keep(connection: socket.socket) -> None:
    """Start what is asked for, tell its pid, then how it ended; the end of this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection.makefile("rb") as lines:
        request = json.loads(lines.readline())
    pid = os.fork()
    if pid == 0:
        connection.close()
        _run(request)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _run(request: dict[str, Any]) -> None:
    code = 70
    try:
        _become(request)
        code = _main(request["command"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
        code = 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _become(request: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir("/")
    descriptor = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    _open_no_database()
    if request["shift"]:
        _shift_clock(request["shift"])
    if request["machine"]:
        _be_machine(request["machine"])
    if request["disk"] is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["disk"], request["disk"]))


def _main(command: list[str]) -> int:
    if command == ["worker"]:
        from akosha_hook.worker import __main__ as worker
        from akosha_hook.worker import loop

        loop.STAY_SECONDS = 0.0
        return worker.main()
    if command == ["event"]:
        from akosha_hook.hook import outbox
        from akosha_hook.paths import Paths

        outbox.record(Paths.from_environment(os.environ), "post-commit", None, b"")
        return 0
    from akosha_hook.__main__ import main

    sys.argv = ["akosha-hook", *command]
    main()
    return 0


def _open_no_database() -> None:
    """The databases of schedules are random bytes: what DuckDB would say of them is left out."""
    from akosha_hook import duckdb_reader
    from akosha_hook.duckdb_reader import counting

    _patch(counting, "conversation_count", lambda *_, **__: 1)
    _patch(duckdb_reader, "check", lambda *_, **__: None)


def _patch(where: object, name: str, value: object) -> None:
    """For good: this process ends with its command."""
    assert hasattr(where, name)
    setattr(where, name, value)


class _RealOrShifted(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, RealDatetime)


def _shift_clock(seconds: float) -> None:
    """Only the clock of ours: requests are signed by the real one, or servers would refuse them."""
    real_time, real_time_ns = time.time, time.time_ns
    ahead = dt.timedelta(seconds=seconds)

    class Shifted(RealDatetime, metaclass=_RealOrShifted):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return RealDatetime.now(tz) + ahead

    _patch(time, "time", lambda: real_time() + seconds)
    _patch(time, "time_ns", lambda: real_time_ns() + int(seconds * 1e9))
    _patch(dt, "datetime", Shifted)


def _be_machine(name: str) -> None:
    """Whoever reads /etc/machine-id reads `name`."""
    read_text, read_bytes = Path.read_text, Path.read_bytes

    def text(path: Path, *arguments: Any, **options: Any) -> str:
        return name + "\n" if str(path) == MACHINE_ID else read_text(path, *arguments, **options)

    def data(path: Path) -> bytes:
        return f"{name}\n".encode() if str(path) == MACHINE_ID else read_bytes(path)

    _patch(Path, "read_text", text)
    _patch(Path, "read_bytes", data)


if __name__ == "__main__":
    serve(sys.argv[1])
