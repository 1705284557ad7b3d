"""Twenty-eight homes of one name at once: every one of them is stored."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.demo.s3_server import S3Server
from tests.chaos.at_once import HOMES, stored_at_once
from tests.support.forks import Forks


def test_homes_of_one_name_that_end_at_once_are_all_stored(
    seaweedfs: S3Server, forks: Forks, tmp_path: Path
) -> None:
    """Their receipts say so, and the bucket holds what each had; bench/soak.py does it ten times."""
    assert stored_at_once(seaweedfs, forks, tmp_path) == HOMES
