"""Session-Buddy's own sync, where it works with the same settings as ours."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from akosha_hook import settings
from akosha_hook.doctor.finding import Finding
from akosha_hook.settings import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.settings import Loaded, Origin

AREA = "Session-Buddy"
BUCKET, ENDPOINT = "akosha_cloud_bucket", "akosha_cloud_endpoint"
FALLBACK, ON_SESSION_END = "akosha_enable_fallback", "akosha_upload_on_session_end"
# What it reads, too. Nothing but us reads settings in Claude's directory any more.
_READ = frozenset({Layer.ENVIRONMENT, Layer.CONFIG_LOCAL, Layer.CONFIG})


def findings(context: Context) -> Iterator[Finding]:
    """A warning where it has a bucket and uploads at every session end; that fails in every version.

    Where the upload fails, it falls back to posting memories to the endpoint of the bucket.
    """
    theirs = settings.load(
        context.environ, dataclasses.replace(context.paths, user_toml=context.paths.state / "none")
    )
    bucket = _seen(theirs, BUCKET)
    if bucket is None or not theirs.settings.akosha_cloud_bucket:
        return
    if _seen(theirs, ON_SESSION_END) and not theirs.settings.akosha_upload_on_session_end:
        return
    detail = (
        f"it reads {bucket.name} too ({bucket.place}) and uploads at every session end by itself, "
        "which fails in all of its versions"
    )
    falls_back = theirs.settings.akosha_enable_fallback or not _seen(theirs, FALLBACK)
    if falls_back and _seen(theirs, ENDPOINT):
        detail += f"; then it posts memories to {theirs.settings.akosha_cloud_endpoint}"
    yield Finding(AREA, "its own sync", "warning", detail, _fix(bucket, context))


def _seen(loaded: Loaded, name: str) -> Origin | None:
    """Where it reads the setting, if it does."""
    origin = loaded.origins[name]
    return origin if origin.layer in _READ else None


def _fix(bucket: Origin, context: Context) -> str:
    if bucket.layer is Layer.ENVIRONMENT:
        name = context.loaded.settings.akosha_cloud_bucket
        return f"akosha-hook config set {BUCKET} {name}, then take {bucket.name} out of the environment"
    return (
        f"set upload_on_session_end to false below cloud_sync in {bucket.file}; to go on with ours: "
        f"akosha-hook config set {ON_SESSION_END} true"
    )
