from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook.settings import Settings
from akosha_hook.settings.derived import cloud_configured, data_directory, part_size

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

MIB = 1_048_576


@pytest.mark.parametrize(("megabytes", "size"), [(1, 5), (4, 5), (5, 5), (10, 10), (100, 100)])
def test_a_part_is_never_below_what_s3_takes(megabytes: int, size: int) -> None:
    assert part_size(Settings(akosha_chunk_size_mb=megabytes)) == size * MIB


def test_the_databases_are_in_the_data_directory(paths: Paths) -> None:
    assert data_directory(Settings(), paths) == paths.claude / "data"
    assert data_directory(Settings(akosha_data_dir="/srv/x"), paths) == Path("/srv/x")


def test_a_bucket_makes_the_cloud(paths: Paths) -> None:
    settings = Settings()
    assert not cloud_configured(settings)
    assert cloud_configured(msgspec.structs.replace(settings, akosha_cloud_bucket="memories"))
