"""Backoff that outlives a process: a dead network is not dialled at every commit."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akosha_hook.paths import credentials_files
from akosha_hook.util import files, log
from akosha_hook.util.clock import Epoch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.paths import Paths
    from akosha_hook.settings.fields import Settings
    from akosha_hook.state.receipt import Target

FIRST_SECONDS = 15.0
MAX_SECONDS = 3600.0
# What decides which credentials are found; their change makes an old failure meaningless.
CREDENTIAL_SOURCES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "MINIO_ACCESS_KEY",
    "MINIO_SECRET_KEY",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "MC_CONFIG_DIR",
    "MINIO_ALIAS",
    "AKOSHA_TOKEN",
)
MC_HOST = "MC_HOST_"
logger = logging.getLogger(__name__)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """When a destination is due again (epoch seconds) after so many failures in a row."""

    due: Epoch
    failures: Annotated[int, Meta(ge=0, le=10**9)]
    reason: str
    # Stored under the name that 0.1 gave it.
    config_hash: str = msgspec.field(name="circumstances")


def config_hash(settings: Settings, environ: Mapping[str, str]) -> str:
    """A hash of the settings and of where credentials come from; reveals neither.

    Of files with credentials only names, sizes and timestamps go into it.
    """
    digest = hashlib.sha256(msgspec.json.encode(settings))
    aliases = sorted(name for name in environ if name.startswith(MC_HOST))
    for name in (*CREDENTIAL_SOURCES, *aliases):
        digest.update(f"\0{name}={environ.get(name, '')}".encode(errors="surrogateescape"))
    for line in files.stamps(credentials_files(environ)):
        digest.update(f"\0{line}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def due(paths: Paths, target: Target, current_hash: str) -> float:
    """Epoch seconds at which `target` may be dialled again; 0 when it may be now.

    A due time further ahead than the longest backoff is a clock that was set back: it is due.
    """
    entry = entries(paths).get(_name(target))
    if entry is None or entry.config_hash != current_hash:
        return 0.0
    return 0.0 if entry.due > time.time() + MAX_SECONDS else entry.due


def failed(paths: Paths, target: Target, reason: str, current_hash: str) -> Entry:
    """Write down one more failure; the delay doubles up to an hour."""
    known = entries(paths)
    before = known.get(_name(target))
    count = 1
    if before is not None and before.config_hash == current_hash:
        count = before.failures + 1
    delay = min(MAX_SECONDS, FIRST_SECONDS * 2.0 ** min(count - 1, 16))
    entry = Entry(
        due=time.time() + delay,
        failures=count,
        reason=log.redacted(reason),
        config_hash=current_hash,
    )
    files.private_directory(paths.state)
    files.write_json(paths.backoff, known | {_name(target): entry})
    logger.info("Next try at %s in %.0f s (failure %d)", target.method, delay, count)
    return entry


def succeeded(paths: Paths, target: Target) -> None:
    """Forget the failures of `target`."""
    known = entries(paths)
    if known.pop(_name(target), None) is not None:
        files.write_json(paths.backoff, known)


def failures(paths: Paths, target: Target) -> int:
    """How often `target` failed since it last took something."""
    entry = entries(paths).get(_name(target))
    return entry.failures if entry is not None else 0


def entries(paths: Paths) -> dict[str, Entry]:
    return files.read_json(paths.backoff, dict[str, Entry]) or {}


def _name(target: Target) -> str:
    return f"{target.method} {target.endpoint} {target.bucket} {target.system_id}".strip()
