"""The one table of S3's error codes: what each means, and what a user can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.errors import ExitCode, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

TOO_MANY_REQUESTS, REQUEST_TIMEOUT, SERVER_ERROR = 429, 408, 500

_CREDENTIAL_HINT = (
    "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile in ~/.aws/credentials."
)
_CREDENTIAL_DOCTOR = "akosha-hook doctor names the source in use."
_PERMISSION_HINT = (
    "Allow s3:PutObject, s3:GetObject and s3:ListBucket on the bucket; docs/providers.md has the "
    "policy."
)
HIDDEN_HINT = (
    "Without s3:ListBucket, S3 answers the same for an object that is not there: check its name "
    "too."
)
_EXPIRED_HINT = "Renew the session token (aws sso login, or your credential_process)."


@dataclass(frozen=True, slots=True)
class Code:
    """What an error code of S3 means. Without a `reason`, what the server said is quoted."""

    kind: Kind
    retryable: bool = False
    reason: str = ""
    hint: str = ""
    doctor: str = ""
    exit_code: ExitCode = ExitCode.FAILED


def _authentication(kind: Kind, reason: str, hint: str, doctor: str = "") -> Code:
    return Code(
        kind,
        reason=f"Authentication failed: {reason}",
        hint=hint,
        doctor=doctor,
        exit_code=ExitCode.CREDENTIALS,
    )


_BUSY = Code(Kind.THROTTLED, retryable=True)
_BROKEN = Code(Kind.UNREACHABLE, retryable=True)
_DAMAGED = Code(Kind.DAMAGED, retryable=True)
CODES: Mapping[str, Code] = {
    "AccessDenied": _authentication(
        Kind.DENIED, "access denied", f"{_CREDENTIAL_HINT} {_PERMISSION_HINT}", _CREDENTIAL_DOCTOR
    ),
    "AllAccessDisabled": Code(Kind.DENIED),
    "MethodNotAllowed": Code(Kind.UNSUPPORTED),
    "InvalidAccessKeyId": _authentication(
        Kind.UNAUTHENTICATED,
        "the access key is not known there",
        _CREDENTIAL_HINT,
        _CREDENTIAL_DOCTOR,
    ),
    "SignatureDoesNotMatch": _authentication(
        Kind.UNAUTHENTICATED,
        "the secret key does not match",
        _CREDENTIAL_HINT,
        _CREDENTIAL_DOCTOR,
    ),
    "ExpiredToken": _authentication(
        Kind.UNAUTHENTICATED, "the session token has expired", _EXPIRED_HINT
    ),
    "InvalidToken": _authentication(
        Kind.UNAUTHENTICATED, "the session token is not valid", _EXPIRED_HINT
    ),
    "AuthorizationHeaderMalformed": Code(
        Kind.INVALID,
        reason="the region is not the bucket's",
        hint="Set akosha_cloud_region to the bucket's region.",
        exit_code=ExitCode.SETTINGS,
    ),
    "NoSuchBucket": Code(
        Kind.STORE_MISSING,
        reason="the bucket does not exist",
        hint="Create it, or correct akosha_cloud_bucket.",
    ),
    "InvalidBucketName": Code(
        Kind.INVALID,
        reason="the server refuses the bucket's name",
        hint="Correct akosha_cloud_bucket.",
        exit_code=ExitCode.SETTINGS,
    ),
    "QuotaExceeded": Code(
        Kind.FULL,
        reason="the quota is used up",
        hint="Make room: akosha-hook prune --dry-run shows what could go.",
    ),
    "NotImplemented": Code(Kind.UNSUPPORTED),
    "PreconditionFailed": Code(
        Kind.OCCUPIED,
        reason="something else is stored there already",
        hint="akosha-hook check shows what is in the bucket.",
    ),
    "ConditionalRequestConflict": _BROKEN,
    "NoSuchKey": Code(Kind.MISSING),
    "NoSuchObject": Code(Kind.MISSING),
    "InvalidRange": Code(Kind.OUT_OF_RANGE),
    # R2 forgets an unfinished upload after 7 days, MinIO after 24 hours.
    "NoSuchUpload": Code(Kind.STALE),
    "InvalidPart": Code(Kind.STALE),
    "InvalidPartOrder": Code(Kind.STALE),
    "EntityTooSmall": Code(Kind.STALE),
    "BadDigest": _DAMAGED,
    "IncompleteBody": _DAMAGED,
    "ConnectionReset": _BROKEN,
    "InternalError": _BROKEN,
    "OperationAborted": _BROKEN,
    "XMinioServerNotInitialized": _BROKEN,
    "RequestTimeout": Code(Kind.TIMED_OUT, retryable=True),
    "ServerBusy": _BUSY,
    "ServiceUnavailable": _BUSY,
    "SlowDown": _BUSY,
    "SlowDownRead": _BUSY,
    "SlowDownWrite": _BUSY,
    "Throttling": _BUSY,
    "TooManyRequests": _BUSY,
}
_STATUS_KINDS: Mapping[int, Kind] = {
    403: Kind.DENIED,
    404: Kind.MISSING,
    412: Kind.OCCUPIED,
    416: Kind.OUT_OF_RANGE,
    501: Kind.UNSUPPORTED,
    REQUEST_TIMEOUT: Kind.TIMED_OUT,
    TOO_MANY_REQUESTS: Kind.THROTTLED,
}


def kind_of(status: int) -> Kind:
    """What an HTTP status without an error code means."""
    known = _STATUS_KINDS.get(status)
    if known is None:
        return Kind.UNREACHABLE if status >= SERVER_ERROR else Kind.FAILED
    return known
