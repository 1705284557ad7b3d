"""The table of S3's error codes: the code alone decides, whatever the message says."""

from __future__ import annotations

import pytest
from minio.error import S3Error
from urllib3 import HTTPHeaderDict, HTTPResponse

from akosha_hook.errors import DeliveryError, ExitCode, Kind
from akosha_hook.stores.s3.codes import CODES, kind_of
from akosha_hook.stores.s3.failures import classify


def answered(code: str, message: str, status: int) -> DeliveryError:
    """What becomes of an error document with that code."""
    response = HTTPResponse(status=status, headers=HTTPHeaderDict())
    error = S3Error(response, code, message, "/memories/key", "request", "host")
    return classify(error, what="storing key")


# Every code that S3's servers give, by what the program has to do about it: written by hand, so that
# a row that moves in the table is noticed here.
KINDS = {
    Kind.DENIED: {"AccessDenied", "AllAccessDisabled"},
    Kind.UNAUTHENTICATED: {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
    },
    Kind.INVALID: {"AuthorizationHeaderMalformed", "InvalidBucketName"},
    Kind.STORE_MISSING: {"NoSuchBucket"},
    Kind.FULL: {"QuotaExceeded"},
    Kind.UNSUPPORTED: {"MethodNotAllowed", "NotImplemented"},
    Kind.OCCUPIED: {"PreconditionFailed"},
    Kind.MISSING: {"NoSuchKey", "NoSuchObject"},
    Kind.OUT_OF_RANGE: {"InvalidRange"},
    Kind.STALE: {"NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"},
    Kind.DAMAGED: {"BadDigest", "IncompleteBody"},
    Kind.UNREACHABLE: {
        "ConnectionReset",
        "InternalError",
        "OperationAborted",
        "ConditionalRequestConflict",
        "XMinioServerNotInitialized",
    },
    Kind.TIMED_OUT: {"RequestTimeout"},
    Kind.THROTTLED: {
        "ServerBusy",
        "ServiceUnavailable",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "Throttling",
        "TooManyRequests",
    },
}
WORTH_RETRYING = {Kind.DAMAGED, Kind.UNREACHABLE, Kind.TIMED_OUT, Kind.THROTTLED}
EVERY = [(code, kind) for kind, codes in KINDS.items() for code in sorted(codes)]


def test_every_code_of_the_table_is_listed_here() -> None:
    assert set(CODES) == {code for code, _ in EVERY}


@pytest.mark.parametrize("message", ["", "no", "Access Denied NoSuchKey SlowDown"])
@pytest.mark.parametrize(("code", "kind"), EVERY)
def test_a_code_gives_its_kind_without_any_message(code: str, kind: Kind, message: str) -> None:
    error = answered(code, message, 400)
    assert error.kind is kind
    assert error.code == code
    assert error.retryable is (kind in WORTH_RETRYING)


@pytest.mark.parametrize("code", sorted(CODES))
def test_what_a_user_can_do_about_it_is_said(code: str) -> None:
    """Where the table has a reason, it has a hint too; the exit code is the kind's."""
    known = CODES[code]
    assert bool(known.reason) == bool(known.hint)
    if known.kind is Kind.UNAUTHENTICATED or code == "AccessDenied":
        assert known.exit_code is ExitCode.CREDENTIALS
    if known.kind is Kind.INVALID:
        assert known.exit_code is ExitCode.SETTINGS


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.FAILED),
        (403, Kind.DENIED),
        (404, Kind.MISSING),
        (408, Kind.TIMED_OUT),
        (412, Kind.OCCUPIED),
        (416, Kind.OUT_OF_RANGE),
        (429, Kind.THROTTLED),
        (500, Kind.UNREACHABLE),
        (503, Kind.UNREACHABLE),
    ],
)
def test_a_status_decides_where_no_code_is_known(status: int, kind: Kind) -> None:
    assert kind_of(status) is kind
    assert answered("UnheardOf", "", status).kind is kind
    assert answered("UnheardOf", "", status).retryable is (status >= 500 or status == 429)
