"""`credential_process`: a program of the user that prints keys, as AWS's tools define it."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec

from akosha_hook.errors import CredentialsError
from akosha_hook.stores.credentials.result import Credentials
from akosha_hook.util.secret import Secret, without_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 30.0
MAX_BYTES = 64 << 10
_POLL_SECONDS = 0.05
_END_SECONDS = 1.0


class _Output(msgspec.Struct, rename="pascal", frozen=True):
    version: Literal[1]
    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None = None
    expiration: datetime | None = None


class _FailureError(Exception):
    """What went wrong, without anything that the program printed."""


def run(
    command: Secret,
    origin: str,
    environ: Mapping[str, str],
    *,
    home: Path,
    seconds: float = SECONDS,
) -> Credentials:
    """Run `command` without a shell and take the keys from what it prints.

    It does not get the keys that `environ` may hold: a profile is asked for instead of them.
    What it prints, on either stream, is shown nowhere. Raises CredentialsError that names
    `origin` where it cannot be run, fails, takes too long, or prints anything but unexpired keys.
    """
    problem = ""
    try:
        words = _split(command)
        output = _parse(_output_of(words, environ, home, seconds))
    except _FailureError as failure:
        problem = str(failure)
    if problem:
        raise CredentialsError(
            f"The {origin} {problem}.",
            hint="Run the command yourself, from / and with the PATH the hooks have, and see what "
            "it prints.",
        )
    return Credentials(
        output.access_key_id,
        output.secret_access_key,
        output.session_token or None,
        origin,
        expires_at=in_utc(output.expiration),
    )


def _split(command: Secret) -> list[str]:
    try:
        words = shlex.split(command.reveal())
    except ValueError:
        words = []
    if not words:
        raise _FailureError("is not a command: check its quotes")
    if "/" in words[0] and not words[0].startswith("/"):
        raise _FailureError(
            "names a program by a relative path, which is another program in each directory: write "
            "its full path"
        )
    return words


def _output_of(words: list[str], environ: Mapping[str, str], home: Path, seconds: float) -> bytes:
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=without_keys(environ),
            cwd=home if home.is_dir() else "/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or "not a valid command"
        raise _FailureError(f"cannot be run ({reason}): write its full path") from None
    assert process.stdout is not None
    try:
        output = _read(process, process.stdout, time.monotonic() + seconds, seconds)
        status = process.wait()
    finally:
        _end(process)
    if status:
        raise _FailureError(f"failed with exit status {status}")
    return output


def _read(
    process: subprocess.Popen[bytes], pipe: IO[bytes], deadline: float, seconds: float
) -> bytes:
    """Its output until it exits; a child that it leaves behind may keep the pipe open."""
    output = b""
    open_ = True
    os.set_blocking(pipe.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            exited = process.poll() is not None
            if open_ and selector.select(0 if exited else _POLL_SECONDS):
                received = os.read(pipe.fileno(), MAX_BYTES)
                output += received
                open_ = bool(received)
            elif exited:
                return output
            elif not open_:
                time.sleep(_POLL_SECONDS)
            if len(output) > MAX_BYTES:
                raise _FailureError("printed more than keys take")
            if time.monotonic() > deadline:
                raise _FailureError(f"did not finish within {seconds:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and its children, except those that it detached on purpose."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        # One that became another user's cannot be ended, and is not waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
    if process.stdout is not None:
        process.stdout.close()


def _parse(data: bytes) -> _Output:
    try:
        output = msgspec.json.decode(data, type=_Output, dec_hook=as_secret)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _FailureError(
            "printed something that is not the JSON AWS's tools expect "
            "(Version 1, AccessKeyId, SecretAccessKey)"
        ) from None
    expires_at = in_utc(output.expiration)
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise _FailureError("printed keys that have expired")
    return output


def in_utc(moment: datetime | None) -> datetime | None:
    """`moment`, taken as UTC where it names no zone."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def as_secret(type: Any, value: Any) -> Any:  # noqa: A002 - msgspec's own name for it
    """msgspec's hook that wraps a key the moment it is decoded."""
    if type is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError("not a string")
