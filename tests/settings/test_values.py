"""What each field takes, and how a value it does not take is reported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings import Settings

if TYPE_CHECKING:
    from tests.settings.conftest import Layers


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("akosha_max_retries: three", "a whole number from 0 to 100"),
        ("akosha_max_retries: 101", "a whole number from 0 to 100"),
        ("akosha_max_retries: 2.5", "a whole number from 0 to 100"),
        ("akosha_max_retries: true", "a whole number from 0 to 100"),
        ("akosha_max_retries: '3'", "a whole number from 0 to 100"),
        ("akosha_retry_backoff_seconds: .nan", "a number from 0 to 3600"),
        ("akosha_retry_backoff_seconds: .inf", "a number from 0 to 3600"),
        ("akosha_settle_seconds: -.inf", "a number from 0 to 30"),
        ("akosha_retry_backoff_seconds: -0.1", "a number from 0 to 3600"),
        ("akosha_chunk_size_mb: 0", "a whole number from 1 to 100"),
        ("akosha_chunk_size_mb: 101", "a whole number from 1 to 100"),
        ("akosha_enable_delta: 1", "true or false"),
        ("akosha_enable_delta: 'yes'", "true or false"),
        ("akosha_force_method: s3", "one of auto, cloud, http"),
        ("akosha_sse: aes", "one of empty, AES256, aws:kms"),
        ("log_level: LOUD", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("akosha_cloud_bucket: 12345", "text (put it in quotes)"),
        ("akosha_system_id: 2025-02-08", "text (put it in quotes)"),
        ("akosha_cloud_bucket: [a]", "text"),
        ("akosha_cloud_bucket: {a: b}", "text"),
        ("akosha_databases: reflection.duckdb", "a list of names, at least one"),
        ("akosha_databases: []", "a list of names, at least one"),
        ("akosha_databases: ['']", "a list of names, at least one"),
        ("akosha_databases: [1]", "a list of names, at least one"),
        ("akosha_databases: [../other.duckdb]", "file names or globs inside akosha_data_dir"),
        ('akosha_databases: ["a\\0b"]', "free of control characters"),
        ("akosha_include: session-files", "a list of names"),
        (
            "akosha_include: [session-files, handoffs]",
            "names of sets of files; there are session-files, claude-memory, claude-transcripts",
        ),
        ('akosha_system_id: "a\\nb"', "free of control characters"),
        (f"akosha_system_id: {'x' * 4097}", "at most 4096 characters long"),
        (f"akosha_databases: [{'a, ' * 101}]", "a list of at most 100 names"),
        ("akosha_system_id: '///'", "empty, or hold at least one ASCII letter or digit"),
        ("akosha_cloud_region: us east", "auto, or a region such as us-east-1"),
        ("akosha_data_dir: data", "an absolute path"),
        ("akosha_ca_file: ~other/ca.pem", "an absolute path"),
        ("akosha_metrics_file: ./metrics.prom", "an absolute path"),
        ("akosha_aws_profile: 'a]b'", "a profile name"),
        ("akosha_sse_kms_key_id: arn:aws:kms:x", "empty, unless akosha_sse is aws:kms"),
        ("akosha_object_lock_mode: COMPLIANCE", "empty, unless akosha_object_lock_days is set"),
    ],
)
def test_a_wrong_value_is_reported_with_file_line_key_value_and_what_is_allowed(
    layers: Layers, line: str, allowed: str
) -> None:
    path = layers.base(f"# settings\n{line}\n")
    loaded = layers.load()
    (problem,) = loaded.problems
    key = line.partition(":")[0]
    assert problem.startswith(f"{path}:2: {key} is ")
    assert f" but must be {allowed}" in problem
    assert problem.isprintable()
    assert loaded.settings == Settings()


def test_sets_of_files_may_be_none_or_named_once(layers: Layers) -> None:
    layers.base("akosha_include: []\n")
    assert layers.load().settings.akosha_include == ()
    layers.environ["SESSION_BUDDY_AKOSHA_INCLUDE"] = "claude-memory, session-files, claude-memory"
    assert layers.load().settings.akosha_include == ("claude-memory", "session-files")


@pytest.mark.parametrize("name", ["AKOSHA_SYSTEM_ID", "AKOSHA_FORCE_METHOD", "AKOSHA_DATABASES"])
def test_a_variable_that_is_not_utf8_is_rejected(layers: Layers, name: str) -> None:
    layers.environ[f"SESSION_BUDDY_{name}"] = os.fsdecode(b"caf\xe9")
    (problem,) = layers.load().problems
    assert problem == f'environment: SESSION_BUDDY_{name} is "caf\\udce9" but must be UTF-8 text'


def test_http_beyond_this_machine_can_be_allowed_and_is_noted(layers: Layers) -> None:
    layers.base("akosha_cloud_endpoint: http://minio.example:9000\n")
    layers.user("akosha_allow_insecure_endpoint = true\n")
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings.akosha_cloud_endpoint == "http://minio.example:9000"
    assert "memories travel unencrypted" in loaded.notes[0]


@pytest.mark.parametrize(("size", "noted"), [(1, True), (4, True), (5, False)])
def test_small_chunks_are_accepted_with_a_note(layers: Layers, size: int, noted: bool) -> None:
    layers.base(f"akosha_chunk_size_mb: {size}\n")
    loaded = layers.load()
    assert loaded.problems == loaded.warnings == ()
    assert loaded.settings.akosha_chunk_size_mb == size
    assert bool(loaded.notes) == noted


def test_cloud_by_force_without_a_bucket_is_a_warning(layers: Layers) -> None:
    layers.base("akosha_force_method: cloud\n")
    assert "akosha_cloud_bucket is empty" in layers.load().warnings[0]
