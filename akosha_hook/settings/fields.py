"""The one table of settings: name, type, range, default, help, and who may set it.

Validation, `config show`, the templates and the reference in `docs/configuration.md` come from
here. A field's environment name is `SESSION_BUDDY_` and its upper-case name; what other spellings
there are, `spellings.py` says. No field holds a
credential: `docs/security.md` says where those come from.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ENVIRONMENT_PREFIX = "SESSION_BUDDY_"
MAX_INTERVAL_SECONDS = 86_400
# Sets of files that can be backed up beside the databases; what is in them, `snapshot.sets` says.
FILE_SETS = ("session-files", "claude-memory", "claude-transcripts")


class RepositoryRule(Enum):
    """How far a repository's own file may restrict its events; it can never allow more."""

    ONLY_OFF = "only off"
    ONLY_LONGER = "only longer"


def _help(
    text: str, *, repository: RepositoryRule | None = None, safe_to_default: bool = False
) -> Meta:
    """`safe_to_default` marks a field whose wrong value can only cost time or a log line.

    Every other field decides where memories go, which of them, or whether: see `Loaded.unsafe`.
    """
    return Meta(
        description=text, extra={"repository": repository, "safe_to_default": safe_to_default}
    )


Count = Annotated[int, Meta(ge=0, le=100_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings with every layer applied; names and defaults are the user guide's."""

    akosha_cloud_bucket: Annotated[str, _help("S3/R2 bucket name (empty = disabled).")] = ""
    akosha_cloud_endpoint: Annotated[
        str, _help("S3/R2 endpoint URL: scheme and host, no path (empty with a bucket: AWS).")
    ] = ""
    akosha_cloud_region: Annotated[
        str, _help("Storage region; auto: found from the endpoint, or asked of AWS once.")
    ] = "auto"
    akosha_system_id: Annotated[
        str, _help("System identifier (hostname if empty), remembered at first use.")
    ] = ""
    akosha_upload_on_session_end: Annotated[
        bool,
        _help(
            "Auto-upload on session end.",
            repository=RepositoryRule.ONLY_OFF,
        ),
    ] = True
    akosha_enable_fallback: Annotated[
        bool, _help("Allow cloud → HTTP fallback: push to the Akosha server.")
    ] = True
    akosha_force_method: Annotated[
        Literal["auto", "cloud", "http"], _help("Force method: where to send.")
    ] = "auto"
    akosha_upload_timeout_seconds: Annotated[
        int,
        Meta(ge=1, le=86_400),
        _help("Upload timeout (seconds) for each destination.", safe_to_default=True),
    ] = 300
    akosha_max_retries: Annotated[
        int,
        Meta(ge=0, le=100),
        _help("Maximum retry attempts of one request.", safe_to_default=True),
    ] = 3
    akosha_retry_backoff_seconds: Annotated[
        float,
        Meta(ge=0, le=3600),
        _help("Base delay for exponential backoff, in seconds.", safe_to_default=True),
    ] = 2.0
    akosha_enable_compression: Annotated[
        bool, _help("Gzip compression before upload.", safe_to_default=True)
    ] = True
    akosha_enable_deduplication: Annotated[
        bool, _help("Skip unchanged uploads.", safe_to_default=True)
    ] = True
    akosha_chunk_size_mb: Annotated[
        int,
        Meta(ge=1, le=100),
        _help("Upload chunk size (MB); 1-4 mean 5, the least S3 takes.", safe_to_default=True),
    ] = 5
    akosha_http_url: Annotated[str, _help("Akosha server, with or without /mcp.")] = (
        "http://localhost:8682"
    )
    akosha_data_dir: Annotated[
        str, _help("Where the databases are; empty: Session-Buddy's data_dir, else ~/.claude/data.")
    ] = ""
    akosha_databases: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(min_length=1),
        _help("Database file names, or globs, inside the data directory; *: every database."),
    ] = ("*",)
    akosha_include: Annotated[
        tuple[str, ...],
        _help(
            "Sets of files to back up beside the databases: session-files (Session-Buddy's own), "
            "claude-memory (CLAUDE.md and projects' memories), claude-transcripts (whole "
            "conversations, with whatever was typed or shown in them, secrets included)."
        ),
    ] = ("session-files",)
    akosha_upload_on_commit: Annotated[
        bool, _help("Upload after git commits and merges.", repository=RepositoryRule.ONLY_OFF)
    ] = True
    akosha_min_interval_seconds: Annotated[
        int,
        Meta(ge=0, le=MAX_INTERVAL_SECONDS),
        _help(
            "Commits start at most one upload per this many seconds; the last state still goes.",
            repository=RepositoryRule.ONLY_LONGER,
            safe_to_default=True,
        ),
    ] = 900
    akosha_settle_seconds: Annotated[
        float,
        Meta(ge=0, le=30),
        _help("Quiet time in seconds before a snapshot is taken.", safe_to_default=True),
    ] = 1.0
    akosha_parallel_uploads: Annotated[
        int,
        Meta(ge=0, le=16),
        _help("Parts in flight; 0: by provider (3, on R2 2).", safe_to_default=True),
    ] = 0
    akosha_enable_delta: Annotated[
        bool,
        _help(
            "Send only the blocks that changed since the last full upload.", safe_to_default=True
        ),
    ] = True
    akosha_full_interval_days: Annotated[
        int, Meta(ge=1, le=365), _help("Oldest upload, in days, that a delta may be based on.")
    ] = 7
    akosha_addressing_style: Annotated[
        Literal["auto", "path", "virtual"], _help("How the bucket stands in the URL.")
    ] = "auto"
    akosha_aws_profile: Annotated[
        str, _help("Profile in the shared AWS files; beats keys in the environment.")
    ] = ""
    akosha_use_instance_role: Annotated[
        bool, _help("Ask the container or instance metadata service for credentials.")
    ] = False
    akosha_allow_insecure_endpoint: Annotated[
        bool,
        _help("Allow http:// beyond this machine (unencrypted), and to others' servers on it."),
    ] = False
    akosha_ca_file: Annotated[str, _help("Extra CA bundle (PEM) for private servers.")] = ""
    akosha_sse: Annotated[
        Literal["", "AES256", "aws:kms"], _help("Server-side encryption to ask for.")
    ] = ""
    akosha_sse_kms_key_id: Annotated[str, _help("KMS key for akosha_sse: aws:kms.")] = ""
    akosha_object_lock_mode: Annotated[
        Literal["", "GOVERNANCE", "COMPLIANCE"],
        _help("Object Lock to ask for, in a bucket that has it; see akosha_object_lock_days."),
    ] = ""
    akosha_object_lock_days: Annotated[
        Count, _help("Days for which Object Lock keeps what is stored; with 0, none is asked for.")
    ] = 0
    akosha_keep_last: Annotated[Count, _help("Uploads that prune keeps: the newest N.")] = 0
    akosha_keep_daily: Annotated[Count, _help("Uploads that prune keeps: one for N days.")] = 0
    akosha_keep_weekly: Annotated[Count, _help("Uploads that prune keeps: one for N weeks.")] = 0
    akosha_keep_monthly: Annotated[Count, _help("Uploads that prune keeps: one for N months.")] = 0
    akosha_metrics_file: Annotated[
        str, _help("Prometheus textfile to write after a sync.", safe_to_default=True)
    ] = ""
    enable_debug_mode: Annotated[
        bool, _help("Log everything, stack traces included.", safe_to_default=True)
    ] = False
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        _help("Least level that reaches Session-Buddy's log.", safe_to_default=True),
    ] = "INFO"
