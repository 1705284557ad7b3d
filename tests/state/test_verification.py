"""What the last verification came to, as this version and as 0.1 wrote it down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from akosha_hook.state import verification
from akosha_hook.state.verification import Verification

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

WHEN = "2026-11-22T12:00:00.000+00:00"
# As 0.1.0 wrote drill.json.
OF_0_1 = {
    "at": WHEN,
    "success": True,
    "upload_id": "20261122_120000_laptop",
    "system_id": "laptop",
    "files": 2,
    "size": 1000,
    "duration_seconds": 1.5,
    "error": None,
    "hint": "",
}


def test_before_the_first_there_is_none(paths: Paths) -> None:
    assert verification.last(paths) is None
    assert not paths.state.exists()


def test_a_verdict_is_remembered(paths: Paths) -> None:
    verdict = Verification(at=WHEN, success=False, upload_id="latest", error="damaged", hint="ls")
    verification.remember(paths, verdict)
    assert verification.last(paths) == verdict
    assert paths.verification.stat().st_mode & 0o777 == 0o600


def test_a_verdict_of_0_1_is_read_until_there_is_a_newer_one(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    old = paths.state / "drill.json"
    old.write_text(json.dumps(OF_0_1))
    last = verification.last(paths)
    assert last is not None
    assert (last.upload_id, last.files, last.size) == (OF_0_1["upload_id"], 2, 1000)
    verification.remember(paths, Verification(at=WHEN, success=False))
    assert verification.last(paths) == Verification(at=WHEN, success=False)
    assert not old.exists()


def test_a_damaged_file_is_no_verdict_and_is_left_alone(paths: Paths) -> None:
    """`status` asks for it too, and changes nothing."""
    paths.state.mkdir(parents=True)
    paths.verification.write_text("{")
    assert verification.last(paths) is None
    assert paths.verification.read_text() == "{"
