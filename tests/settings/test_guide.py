"""The YAML of Session-Buddy's user guide, as it is written there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from akosha_hook.settings import Settings
from akosha_hook.settings.table import table

if TYPE_CHECKING:
    from tests.settings.conftest import Layers

QUICK_START = """\
# Cloud Storage Configuration
akosha_cloud_bucket: "session-buddy-memories" # Your bucket name
akosha_cloud_endpoint: "https://<account>.r2.cloudflarestorage.com"
akosha_cloud_region: "auto"
akosha_system_id: "macbook-pro-username" # Optional (defaults to hostname)
# Behavior
akosha_upload_on_session_end: true # Auto-upload on session end
akosha_enable_fallback: true # Allow cloud → HTTP fallback
akosha_force_method: "auto" # auto, cloud, or http
# Performance
akosha_upload_timeout_seconds: 300 # 5 minutes
akosha_max_retries: 3
akosha_retry_backoff_seconds: 2.0
# Features
akosha_enable_compression: true # Gzip compression (65% reduction)
akosha_enable_deduplication: true # Skip unchanged uploads
akosha_chunk_size_mb: 5 # Upload chunk size
"""

R2 = """\
akosha_cloud_bucket: "session-buddy-memories"
akosha_cloud_endpoint: "https://<account-id>.r2.cloudflarestorage.com"
"""

AWS = """\
akosha_cloud_bucket: "session-buddy-memories"
akosha_cloud_endpoint: "https://s3.us-east-1.amazonaws.com"
akosha_cloud_region: "us-east-1"
"""

MINIO = """\
akosha_cloud_bucket: "session-buddy-memories"
akosha_cloud_endpoint: "http://localhost:9000"
"""

HTTP_ONLY = """\
akosha_cloud_bucket: "" # Empty to disable cloud
akosha_enable_fallback: true # Allow HTTP fallback
akosha_force_method: "auto" # Will use HTTP
"""

DEFAULTS = {
    "akosha_cloud_bucket": ("string", ""),
    "akosha_cloud_endpoint": ("string", ""),
    "akosha_cloud_region": ("string", "auto"),
    "akosha_system_id": ("string", ""),
    "akosha_upload_on_session_end": ("bool", True),
    "akosha_enable_fallback": ("bool", True),
    "akosha_force_method": ("string", "auto"),
    "akosha_upload_timeout_seconds": ("int", 300),
    "akosha_max_retries": ("int", 3),
    "akosha_retry_backoff_seconds": ("float", 2.0),
    "akosha_enable_compression": ("bool", True),
    "akosha_enable_deduplication": ("bool", True),
    "akosha_chunk_size_mb": ("int", 5),
}

BUCKET = "session-buddy-memories"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            QUICK_START,
            {
                "akosha_cloud_bucket": BUCKET,
                "akosha_cloud_endpoint": "https://<account>.r2.cloudflarestorage.com",
                "akosha_system_id": "macbook-pro-username",
            },
        ),
        (
            R2,
            {
                "akosha_cloud_bucket": BUCKET,
                "akosha_cloud_endpoint": "https://<account-id>.r2.cloudflarestorage.com",
            },
        ),
        (
            AWS,
            {
                "akosha_cloud_bucket": BUCKET,
                "akosha_cloud_endpoint": "https://s3.us-east-1.amazonaws.com",
                "akosha_cloud_region": "us-east-1",
            },
        ),
        (
            MINIO,
            {
                "akosha_cloud_bucket": BUCKET,
                "akosha_cloud_endpoint": "http://localhost:9000",
            },
        ),
        (HTTP_ONLY, {}),
        ('akosha_force_method: "http"\n', {"akosha_force_method": "http"}),
        (
            'enable_debug_mode: true\nlog_level: "DEBUG"\n',
            {"enable_debug_mode": True, "log_level": "DEBUG"},
        ),
        (
            "akosha_upload_timeout_seconds: 600 # 10 minutes\n",
            {"akosha_upload_timeout_seconds": 600},
        ),
        ("akosha_chunk_size_mb: 1 # ~1MB per chunk in memory\n", {"akosha_chunk_size_mb": 1}),
        (
            "akosha_max_retries: 5\nakosha_retry_backoff_seconds: 1.0\n",
            {"akosha_max_retries": 5, "akosha_retry_backoff_seconds": 1.0},
        ),
    ],
)
def test_the_guides_examples_load_as_written(
    layers: Layers, text: str, expected: dict[str, Any]
) -> None:
    layers.base(text)
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings == Settings(**expected)


@pytest.mark.parametrize("text", [QUICK_START, R2])
def test_the_guides_placeholder_is_pointed_out(layers: Layers, text: str) -> None:
    layers.base(text)
    (warning,) = layers.load().warnings
    assert "put your account's id in place of <...>" in warning


def test_the_guides_variables_override_its_files(layers: Layers) -> None:
    layers.base(AWS)
    layers.environ |= {
        "SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": "other-memories",
        "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": "https://0123abcd.r2.cloudflarestorage.com",
        "SESSION_BUDDY_AKOSHA_SYSTEM_ID": "macbook-pro-username",
    }
    loaded = layers.load()
    assert loaded.problems == loaded.warnings == ()
    assert loaded.settings.akosha_cloud_bucket == "other-memories"
    assert loaded.settings.akosha_system_id == "macbook-pro-username"
    assert loaded.settings.akosha_cloud_region == "us-east-1"


def test_the_guides_fields_come_first_with_its_types_and_defaults() -> None:
    rows = list(table().values())[: len(DEFAULTS)]
    assert {row.name: (row.kind, row.default) for row in rows} == DEFAULTS
    assert [row.name for row in rows] == list(DEFAULTS)
