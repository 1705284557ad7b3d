"""What an S3 server, or the way to it, can answer, sorted into retry, fall back or stop."""

from __future__ import annotations

import contextlib
import email.utils
import re
import time
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import urllib3.exceptions as http
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from akosha_hook.errors import DeliveryError, ExitCode
from akosha_hook.util import log
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

_RETRYABLE_CODES = frozenset(
    {
        "BadDigest",
        "ConnectionReset",
        "IncompleteBody",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServerBusy",
        "ServiceUnavailable",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "Throttling",
        "TooManyRequests",
        "XMinioServerNotInitialized",
    }
)
MAX_SAID = 300
SYNC_FAILED = "Cloud sync failed"
# How an object's own requests are called: they say "denied" where they mean "not there".
READS = ("looking at ", "reading ")
_CREDENTIAL_HINT = (
    "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile in ~/.aws/credentials; "
    "akosha-hook doctor names the source in use."
)
_PERMISSION_HINT = (
    "Allow s3:PutObject, s3:GetObject and s3:ListBucket on the bucket; docs/providers.md has the "
    "policy."
)
_HIDDEN_HINT = (
    "Without s3:ListBucket, S3 answers the same for an object that is not there: check its name "
    "too."
)
_EXPIRED_HINT = "Renew the session token (aws sso login, or your credential_process)."
# code: (message, hint, exit code)
_FINAL: Mapping[str, tuple[str, str, ExitCode]] = {
    "AccessDenied": (
        "Cloud sync failed: Authentication failed: access denied",
        f"{_CREDENTIAL_HINT} {_PERMISSION_HINT}",
        ExitCode.CREDENTIALS,
    ),
    "InvalidAccessKeyId": (
        "Cloud sync failed: Authentication failed: the access key is not known there",
        _CREDENTIAL_HINT,
        ExitCode.CREDENTIALS,
    ),
    "SignatureDoesNotMatch": (
        "Cloud sync failed: Authentication failed: the secret key does not match",
        _CREDENTIAL_HINT,
        ExitCode.CREDENTIALS,
    ),
    "ExpiredToken": (
        "Cloud sync failed: Authentication failed: the session token has expired",
        _EXPIRED_HINT,
        ExitCode.CREDENTIALS,
    ),
    "InvalidToken": (
        "Cloud sync failed: Authentication failed: the session token is not valid",
        _EXPIRED_HINT,
        ExitCode.CREDENTIALS,
    ),
    "AuthorizationHeaderMalformed": (
        "Cloud sync failed: the region is not the bucket's",
        "Set akosha_cloud_region to the bucket's region.",
        ExitCode.SETTINGS,
    ),
    "NoSuchBucket": (
        "Cloud sync failed: the bucket does not exist",
        "Create it, or correct akosha_cloud_bucket.",
        ExitCode.FAILED,
    ),
    "InvalidBucketName": (
        "Cloud sync failed: the server refuses the bucket's name",
        "Correct akosha_cloud_bucket.",
        ExitCode.SETTINGS,
    ),
    "QuotaExceeded": (
        "Cloud sync failed: the quota is used up",
        "Make room: akosha-hook prune --dry-run shows what could go.",
        ExitCode.FAILED,
    ),
}
_CODE_IN_BODY = re.compile(r"<Code>([A-Za-z]{3,60})</Code>")


def classify(error: Exception, *, what: str, failed: str = SYNC_FAILED) -> DeliveryError:
    """`error`, raised while doing `what`, as a DeliveryError that says what to do.

    `failed` is what its message begins with: not everything that asks a bucket is a sync.
    """
    found = _classified(error, what)
    if failed != SYNC_FAILED:
        found.message = found.message.replace(SYNC_FAILED, failed, 1)
        found.args = (found.message,)
    return found


def _classified(error: Exception, what: str) -> DeliveryError:
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, S3Error):
        return _of_code(error.code or "", what, error)
    if isinstance(error, InvalidResponseError):
        return _of_foreign_body(error, what)
    if isinstance(error, ServerError):
        return _of_status(error.status_code, what)
    if isinstance(error, http.HTTPError | OSError):
        return _of_connection(error, what)
    if isinstance(error, MinioException | ValueError | ParseError | AttributeError | TypeError):
        return _nonsense(what)
    raise error


def _of_code(code: str, what: str, error: S3Error) -> DeliveryError:
    response = error.response
    status = int(getattr(response, "status", 0) or 0)
    code, request_id = _foreign(code), _foreign(error.request_id or "")
    if code == "RequestTimeTooSkewed":
        return _skewed(response, request_id)
    if code in _FINAL:
        message, hint, exit_code = _FINAL[code]
        if code == "AccessDenied" and what.startswith(READS):
            hint = f"{hint} {_HIDDEN_HINT}"
        return DeliveryError(
            f"{message} ({code} while {what}).",
            hint=hint,
            code=code,
            exit_code=exit_code,
            request_id=request_id,
        )
    # RGW and others leave the message empty: the code always stands there.
    said = f": {_foreign(error.message)}" if error.message else ""
    retryable = code in _RETRYABLE_CODES or status >= 500 or status == 429  # noqa: PLR2004
    return DeliveryError(
        f"Cloud sync failed: the server answered {code} while {what}{said}.",
        hint="" if retryable else "akosha-hook doctor probes each permission.",
        code=code,
        retryable=retryable,
        request_id=request_id,
        exit_code=ExitCode.UNREACHABLE if retryable else ExitCode.FAILED,
    )


def _foreign(text: str) -> str:
    """What the server says, for a message: short, on one line, without our keys."""
    return one_line(log.redacted(text[: 4 * MAX_SAID]), MAX_SAID)


def _skewed(response: object, request_id: str) -> DeliveryError:
    headers = getattr(response, "headers", None) or {}
    gap = ""
    with contextlib.suppress(ValueError, OverflowError, TypeError, KeyError):
        theirs = email.utils.parsedate_to_datetime(headers["Date"])
        gap = f" by {abs(theirs.timestamp() - time.time()):.0f} s"
    return DeliveryError(
        f"Cloud sync failed: this machine's clock is off{gap} (RequestTimeTooSkewed).",
        hint="Set the clock; timedatectl set-ntp true keeps it right.",
        code="RequestTimeTooSkewed",
        exit_code=ExitCode.FAILED,
        request_id=request_id,
    )


def _of_foreign_body(error: InvalidResponseError, what: str) -> DeliveryError:
    """A body that is not application/xml: rclone's text/xml errors, or a captive portal."""
    # minio-py keeps the status and body of this error in private attributes only.
    status = int(getattr(error, "_code", 0) or 0)
    body = str(getattr(error, "_body", None) or "")
    found = _CODE_IN_BODY.search(body[:4096])
    if found and found.group(1) in _FINAL:
        message, hint, exit_code = _FINAL[found.group(1)]
        return DeliveryError(
            f"{message} ({found.group(1)} while {what}).",
            hint=hint,
            code=found.group(1),
            exit_code=exit_code,
        )
    if found:
        code = found.group(1)
        return DeliveryError(
            f"Cloud sync failed: the server answered {code} while {what}.",
            code=code,
            retryable=code in _RETRYABLE_CODES or status >= 500 or status == 429,  # noqa: PLR2004
        )
    if status == 429 or status >= 500:  # noqa: PLR2004
        return _of_status(status, what)
    return not_s3(status, what)


def not_s3(status: int, what: str) -> DeliveryError:
    """Whatever answered speaks HTTP, and is no S3 server."""
    return DeliveryError(
        f"Cloud sync failed: what answered (HTTP {status}) is not an S3 server, while {what}.",
        hint="Check akosha_cloud_endpoint; a captive portal or proxy may be in the way.",
        code="NotS3",
        retryable=False,
    )


def too_long(status: int, what: str) -> DeliveryError:
    """An answer larger than any that S3 gives."""
    return DeliveryError(
        f"Cloud sync failed: the server's answer (HTTP {status}) is too long, while {what}.",
        hint="Check akosha_cloud_endpoint; a proxy may be in the way.",
        code="TooLong",
        retryable=status >= 500,  # noqa: PLR2004
    )


def endless(what: str) -> DeliveryError:
    """A listing that goes on and on."""
    return DeliveryError(
        f"Cloud sync failed: the server does not come to an end while {what}.",
        hint="Check akosha_cloud_endpoint; a proxy may be in the way.",
        code="BadAnswer",
    )


def _of_status(status: int, what: str) -> DeliveryError:
    return DeliveryError(
        f"Cloud sync failed: the server answered HTTP {status} while {what}.",
        code=f"HTTP{status}",
        retryable=status >= 500 or status in {408, 429},  # noqa: PLR2004
    )


def _of_connection(error: Exception, what: str) -> DeliveryError:
    cause: BaseException = error
    while isinstance(cause, http.MaxRetryError) and cause.reason is not None:
        cause = cause.reason
    if isinstance(cause, http.SSLError):
        reason = _tls_reason(cause)
        plain = "WRONG_VERSION_NUMBER" in reason
        return DeliveryError(
            f"Cloud sync failed: TLS to the endpoint failed while {what}: {reason}.",
            hint="There is no TLS at that port: is the endpoint an http:// one?"
            if plain
            else "For a private server set akosha_ca_file to its CA bundle.",
            code="TLS",
            retryable=False,
        )
    if isinstance(cause, http.NameResolutionError):
        reason, code = "its host name cannot be resolved", "DNS"
    elif isinstance(cause, http.ProxyError):
        reason, code = "the proxy does not let us through", "Proxy"
    elif isinstance(cause, http.NewConnectionError):
        reason, code = "it refuses connections or cannot be routed to", "Unreachable"
    elif isinstance(cause, http.TimeoutError | TimeoutError):
        reason, code = "it did not answer in time", "Timeout"
    else:
        reason, code = f"the connection broke ({type(cause).__name__})", "ConnectionReset"
    return DeliveryError(
        f"Cloud sync failed: the endpoint cannot be reached while {what}: {reason}.",
        hint="Check akosha_cloud_endpoint and the network; akosha-hook doctor looks closer.",
        code=code,
        retryable=True,
    )


def _tls_reason(error: BaseException) -> str:
    found = re.search(
        r"(certificate verify failed[^(]*|WRONG_VERSION_NUMBER|[A-Z_]{6,})", str(error)
    )
    return found.group(1).strip() if found else type(error).__name__


def _nonsense(what: str) -> DeliveryError:
    return DeliveryError(
        f"Cloud sync failed: the server's answer while {what} makes no sense.",
        hint="Check akosha_cloud_endpoint; a proxy may be in the way.",
        code="BadAnswer",
        retryable=True,
    )
