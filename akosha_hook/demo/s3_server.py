"""Real S3 servers on loopback, from the wheels of the `demo` extra: SeaweedFS and rclone."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ACCESS_KEY = "demo-access-key"
SECRET_KEY = "demo-secret-key"  # noqa: S105 - a server on loopback that lives for minutes
START_SECONDS = 60.0
STARTS = 3
# Below the range from which the system assigns ports: it hands none of these to anyone else.
PORTS = range(10_240, 32_768)


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server; `endpoint` is its URL, `log` has what it printed."""

    name: str
    endpoint: str
    access_key: str
    secret_key: str
    log: Path


def available() -> tuple[str, ...]:
    """Names of the servers installed here, the preferred one first."""
    return tuple(
        name for name, program in (("seaweedfs", "weed"), ("rclone", "rclone")) if _find(program)
    )


@contextlib.contextmanager
def s3_server(
    directory: Path,
    name: str | None = None,
    *,
    port: int | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[S3Server]:
    """Run a server with its data under `directory`, listening on loopback only.

    `arguments` are for the server itself; they come last and so override ours.
    Raises AkoshaHookError if none is installed, or if it does not start.
    """
    names = available()
    if not names or (name is not None and name not in names):
        raise AkoshaHookError(
            f"No {name or 'S3'} server to run here.", hint="pip install 'akosha-hook[demo]'"
        )
    directory.mkdir(parents=True, exist_ok=True)
    server, process = _start(directory, name or names[0], port, arguments)
    try:
        yield server
    finally:
        _stop(process)


def free_ports(count: int) -> list[int]:
    """Different ports that are free now, outside the range from which the system assigns ports."""
    ports: list[int] = []
    chance = random.SystemRandom()
    with contextlib.ExitStack() as stack:
        while len(ports) < count:
            each, port = stack.enter_context(socket.socket()), chance.choice(PORTS)
            with contextlib.suppress(OSError):
                each.bind(("127.0.0.1", port))
                ports.append(port)
    return ports


def _start(
    directory: Path, name: str, port: int | None, arguments: Sequence[str]
) -> tuple[S3Server, subprocess.Popen[bytes]]:
    """A server that is ready; tries other ports if one of them was taken meanwhile."""
    tries_left = 1 if port else STARTS
    while True:
        tries_left -= 1
        listening = port or free_ports(1)[0]
        log = directory / "server.log"
        process = _run([*_command(directory, name, listening), *arguments], directory, log)
        server = S3Server(name, f"http://127.0.0.1:{listening}", ACCESS_KEY, SECRET_KEY, log)
        try:
            _wait_until_ready(server, listening, process)
        except AkoshaHookError:
            _stop(process)
            if not tries_left:
                raise
            shutil.rmtree(directory / name, ignore_errors=True)
        except BaseException:
            _stop(process)
            raise
        else:
            return server, process


def _run(command: list[str], directory: Path, log: Path) -> subprocess.Popen[bytes]:
    """Both programs read settings and keys from the environment and the home: hide the user's."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            # weed writes its logs to the temporary directory.
            env={**inherited, "HOME": str(directory), "TMPDIR": str(directory)},
        )


def _command(directory: Path, name: str, port: int) -> list[str]:
    return _seaweedfs(directory, port) if name == "seaweedfs" else _rclone(directory, port)


def _find(program: str) -> str | None:
    beside = Path(sys.executable).parent / program
    return str(beside) if beside.exists() else shutil.which(program)


def _seaweedfs(directory: Path, port: int) -> list[str]:
    config = directory / "s3.json"
    identity = {
        "name": "demo",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config.write_text(json.dumps({"identities": [identity]}))
    data = directory / "seaweedfs"
    data.mkdir(exist_ok=True)
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = free_ports(7)
    return [
        str(_find("weed")),
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        f"-master.port={master}",
        f"-master.port.grpc={master_grpc}",
        "-master.volumeSizeLimitMB=1024",
        f"-volume.port={volume}",
        f"-volume.port.grpc={volume_grpc}",
        "-volume.max=10000",
        f"-filer.port={filer}",
        f"-filer.port.grpc={filer_grpc}",
        "-s3",
        f"-s3.port={port}",
        f"-s3.port.grpc={s3_grpc}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={config}",
    ]


def _rclone(directory: Path, port: int) -> list[str]:
    data = directory / "rclone"
    data.mkdir(exist_ok=True)
    return [
        str(_find("rclone")),
        "serve",
        "s3",
        f"--addr=127.0.0.1:{port}",
        f"--auth-key={ACCESS_KEY},{SECRET_KEY}",
        f"--config={directory / 'rclone.conf'}",
        f"--cache-dir={directory / 'cache'}",
        str(data),
    ]


def _wait_until_ready(server: S3Server, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server stores and lists, not only until it accepts connections."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AkoshaHookError(
                f"The {server.name} server ended at once.", hint=f"Look at {server.log}."
            )
        if _answers(port):
            return
        time.sleep(0.05)
    raise AkoshaHookError(f"The {server.name} server did not start.", hint=f"Look at {server.log}.")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
