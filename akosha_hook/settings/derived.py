"""Values that are computed from settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.settings.fields import Settings

MIB = 1_048_576
MIN_PART_MB = 5


def data_directory(settings: Settings, paths: Paths) -> Path:
    """Where the databases are."""
    return Path(settings.akosha_data_dir) if settings.akosha_data_dir else paths.data


def part_size(settings: Settings) -> int:
    """Bytes of a multipart part, at least S3's minimum of 5 MiB."""
    return max(settings.akosha_chunk_size_mb, MIN_PART_MB) * MIB


def cloud_configured(settings: Settings) -> bool:
    """Whether there is a bucket to upload to."""
    return bool(settings.akosha_cloud_bucket)
