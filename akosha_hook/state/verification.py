"""`verification.json`: what the last verification of an upload came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from akosha_hook.util import files

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A verification that came to a verdict; `at` is ISO 8601 UTC, `size` bytes.

    `upload_id` is what was asked for where no upload could be selected.
    """

    at: str
    success: bool
    upload_id: str = ""
    system_id: str = ""
    files: int = 0
    size: int = 0
    duration_seconds: float = 0.0
    error: str | None = None
    hint: str = ""


def last(paths: Paths) -> Verification | None:
    """The last verdict; None before the first. Changes nothing, whatever the file holds."""
    newest = files.peek_json(paths.verification, Verification)
    return newest or files.peek_json(paths.verification_of_0_1, Verification)


def remember(paths: Paths, verification: Verification) -> None:
    files.private_directory(paths.state)
    files.write_json(paths.verification, verification)
    paths.verification_of_0_1.unlink(missing_ok=True)
