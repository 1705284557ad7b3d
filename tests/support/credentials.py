"""Planted keys, easy to find where they must not be, and the files they stand in."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.stores.credentials import Credentials

ACCESS = "AKIACANARYACCESS0001"
SECRET = "canary/secret+0002"
TOKEN = "canary-token-0003"

KEYS = f"aws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"


def write(path: Path, content: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)
    return path


def revealed(credentials: Credentials) -> tuple[str, str, str | None]:
    token = credentials.session_token
    return (
        credentials.access_key.reveal(),
        credentials.secret_key.reveal(),
        token.reveal() if token else None,
    )


def everything_said(error: BaseException) -> str:
    """All of an error that could reach a log: texts, attributes, the chain with its locals' repr."""
    parts = list(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    seen: BaseException | None = error
    while seen is not None:
        parts += [str(seen), repr(seen), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)
