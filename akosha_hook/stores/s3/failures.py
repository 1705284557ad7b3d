"""What an S3 server, or the way to it, can answer, sorted into retry, fall back or stop."""

from __future__ import annotations

import contextlib
import email.utils
import re
import ssl
import time
from xml.etree.ElementTree import ParseError

import urllib3.exceptions as http
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from akosha_hook.errors import DeliveryError, ExitCode, Kind
from akosha_hook.stores.base import SYNC_FAILED
from akosha_hook.stores.s3.codes import (
    CODES,
    HIDDEN_HINT,
    SERVER_ERROR,
    TOO_MANY_REQUESTS,
    Code,
    kind_of,
)
from akosha_hook.util import log
from akosha_hook.util.text import one_line

MAX_QUOTED = 300
_ENDPOINT_HINT = "Check akosha_cloud_endpoint; a proxy may be in the way."
_CODE_IN_BODY = re.compile(r"<Code>([A-Za-z]{3,60})</Code>")


class NotS3Error(Exception):
    """Whatever answered speaks HTTP, and is no S3 server."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class TooLongError(Exception):
    """An answer larger than any that S3 gives."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class UnsafeDocumentError(Exception):
    """XML with a DOCTYPE, or with more elements than any answer of S3 has."""


class EndlessError(Exception):
    """A listing that does not come to an end."""


class DamagedPartError(Exception):
    """Bytes that arrived otherwise than they were sent, with what S3 calls that."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def classify(
    error: Exception, *, what: str, subject: str = SYNC_FAILED, reads: bool = False
) -> DeliveryError:
    """`error`, raised while doing `what`, as a DeliveryError that says what to do.

    `subject` is what its message begins with: not everything that asks a bucket is a sync. `reads`
    says that one object is asked for: S3 answers "denied" there where it means "not there".
    """
    match error:
        case DeliveryError():
            failure = error
        case S3Error():
            failure = _of_error_document(error, what, subject, reads=reads)
        case InvalidResponseError():
            failure = _of_foreign_body(error, what, subject, reads=reads)
        case ServerError():
            failure = _of_status(error.status_code, what, subject)
        case http.HTTPError() | OSError():
            failure = _of_connection(error, what, subject)
        case NotS3Error() | TooLongError() | EndlessError() | DamagedPartError():
            failure = _of_answer(error, what, subject)
        case UnsafeDocumentError():
            failure = _of_nonsense(what, subject, retryable=False)
        case (
            MinioException()
            | ValueError()
            | ParseError()
            | AttributeError()
            | TypeError()
            | RecursionError()
        ):
            failure = _of_nonsense(what, subject)
        case _:
            raise error
    return failure


def _of_nonsense(what: str, subject: str, *, retryable: bool = True) -> DeliveryError:
    return DeliveryError(
        f"{subject}: the server's answer cannot be understood ({what}).",
        hint=_ENDPOINT_HINT,
        kind=Kind.BAD_ANSWER,
        code="BadAnswer",
        retryable=retryable,
    )


def verification_failed(subject: str, reason: str) -> DeliveryError:
    """What is stored is not what was sent; sending it again may help."""
    return DeliveryError(
        f"{subject}: {reason}.", kind=Kind.DAMAGED, code="VerifyFailed", retryable=True
    )


def _of_error_document(error: S3Error, what: str, subject: str, *, reads: bool) -> DeliveryError:
    code, request_id = _quoted(error.code or ""), _quoted(error.request_id or "")
    if code == "RequestTimeTooSkewed":
        return _of_clock(error.response, subject, request_id)
    status = int(getattr(error.response, "status", 0) or 0)
    # RGW and others leave the message empty: the code always stands there.
    words = f": {_quoted(error.message)}" if error.message else ""
    return _of_code(code, status, what, subject, words=words, reads=reads, request_id=request_id)


def _of_code(
    code: str,
    status: int,
    what: str,
    subject: str,
    *,
    words: str = "",
    reads: bool = False,
    request_id: str = "",
) -> DeliveryError:
    known = CODES.get(code) or Code(kind_of(status))
    if known.reason:
        hidden = f" {HIDDEN_HINT}" if reads and known.kind is Kind.DENIED else ""
        return DeliveryError(
            f"{subject}: {known.reason} ({code} while {what}).",
            hint=known.hint + hidden,
            doctor=known.doctor,
            kind=known.kind,
            code=code,
            retryable=known.retryable,
            exit_code=known.exit_code,
            request_id=request_id,
        )
    retryable = known.retryable or status == TOO_MANY_REQUESTS
    if known.kind is not Kind.UNSUPPORTED:
        retryable = retryable or status >= SERVER_ERROR
    return DeliveryError(
        f"{subject}: the server answered {code} while {what}{words}.",
        doctor="" if retryable else "akosha-hook doctor probes each permission.",
        kind=known.kind,
        code=code,
        retryable=retryable,
        request_id=request_id,
        exit_code=ExitCode.UNREACHABLE if retryable else ExitCode.FAILED,
    )


def _quoted(text: str) -> str:
    """What the server says, for a message: short, on one line, without our keys."""
    return one_line(log.redacted(text[: 4 * MAX_QUOTED]), MAX_QUOTED)


def _of_clock(response: object, subject: str, request_id: str) -> DeliveryError:
    headers = getattr(response, "headers", None) or {}
    gap = ""
    with contextlib.suppress(ValueError, OverflowError, TypeError, KeyError):
        theirs = email.utils.parsedate_to_datetime(headers["Date"])
        gap = f" by {abs(theirs.timestamp() - time.time()):.0f} s"
    return DeliveryError(
        f"{subject}: this machine's clock is off{gap} (RequestTimeTooSkewed).",
        hint="Set the clock; timedatectl set-ntp true keeps it right.",
        kind=Kind.FAILED,
        code="RequestTimeTooSkewed",
        exit_code=ExitCode.FAILED,
        request_id=request_id,
    )


def _of_foreign_body(
    error: InvalidResponseError, what: str, subject: str, *, reads: bool
) -> DeliveryError:
    """A body that is not application/xml: rclone's text/xml errors, or a captive portal."""
    # minio-py keeps the status and body of this error in private attributes only.
    status = int(getattr(error, "_code", 0) or 0)
    body = str(getattr(error, "_body", None) or "")
    match = _CODE_IN_BODY.search(body[:4096])
    if match:
        return _of_code(match.group(1), status, what, subject, reads=reads)
    if status == TOO_MANY_REQUESTS or status >= SERVER_ERROR:
        return _of_status(status, what, subject)
    return _of_answer(NotS3Error(status), what, subject)


def _of_answer(
    error: NotS3Error | TooLongError | EndlessError | DamagedPartError, what: str, subject: str
) -> DeliveryError:
    if isinstance(error, DamagedPartError):
        return DeliveryError(
            f"{subject}: {error.reason}.", kind=Kind.DAMAGED, code=error.code, retryable=True
        )
    if isinstance(error, NotS3Error):
        return DeliveryError(
            f"{subject}: what answers there (HTTP {error.status}) is not an S3 server ({what}).",
            hint="Check akosha_cloud_endpoint; a captive portal or proxy may be in the way.",
            kind=Kind.BAD_ANSWER,
            code="NotS3",
        )
    if isinstance(error, TooLongError):
        return DeliveryError(
            f"{subject}: the server's answer (HTTP {error.status}) is too long, while {what}.",
            hint=_ENDPOINT_HINT,
            kind=Kind.BAD_ANSWER,
            code="TooLong",
            retryable=error.status >= SERVER_ERROR,
        )
    return DeliveryError(
        f"{subject}: the server's list never ends ({what}).",
        hint=_ENDPOINT_HINT,
        kind=Kind.BAD_ANSWER,
        code="BadAnswer",
    )


def _of_status(status: int, what: str, subject: str) -> DeliveryError:
    return DeliveryError(
        f"{subject}: the server answered HTTP {status} while {what}.",
        kind=kind_of(status),
        code=f"HTTP{status}",
        retryable=kind_of(status) in {Kind.UNREACHABLE, Kind.TIMED_OUT, Kind.THROTTLED},
    )


def _of_connection(error: Exception, what: str, subject: str) -> DeliveryError:
    cause: BaseException = error
    while isinstance(cause, http.MaxRetryError) and cause.reason is not None:
        cause = cause.reason
    if isinstance(cause, http.SSLError):
        return _of_tls(cause, what, subject)
    kind = Kind.UNREACHABLE
    if isinstance(cause, http.NameResolutionError):
        reason, code = "its host name cannot be resolved", "DNS"
    elif isinstance(cause, http.ProxyError):
        reason, code = "the proxy does not let us through", "Proxy"
    elif isinstance(cause, http.NewConnectionError):
        reason, code = "it refuses connections or cannot be routed to", "Unreachable"
    elif isinstance(cause, http.TimeoutError | TimeoutError):
        reason, code, kind = "it did not answer in time", "Timeout", Kind.TIMED_OUT
    else:
        reason, code = f"the connection broke ({type(cause).__name__})", "ConnectionReset"
    return DeliveryError(
        f"{subject}: the endpoint cannot be reached while {what}: {reason}.",
        hint="Check akosha_cloud_endpoint and the network.",
        doctor="akosha-hook doctor looks closer.",
        kind=kind,
        code=code,
        retryable=True,
    )


def _of_tls(error: http.SSLError, what: str, subject: str) -> DeliveryError:
    cause = error.args[0] if error.args else None
    reason = type(error).__name__
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"certificate verify failed: {cause.verify_message}"
    elif isinstance(cause, ssl.SSLError) and cause.reason:
        reason = cause.reason
    return DeliveryError(
        f"{subject}: TLS to the endpoint failed while {what}: {reason}.",
        hint="There is no TLS at that port: is the endpoint an http:// one?"
        if reason == "WRONG_VERSION_NUMBER"
        else "For a private server set akosha_ca_file to its CA bundle.",
        code="TLS",
    )
