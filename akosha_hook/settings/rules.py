"""What is required of a value besides its type; each rule returns the value in its final form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from akosha_hook.settings.endpoint import InvalidURLError, UrlPart, is_region, split_url
from akosha_hook.settings.fields import FILE_SETS
from akosha_hook.settings.values import RejectedError
from akosha_hook.settings.wording import CREDENTIALS_BELONG
from akosha_hook.util.net import is_ip, is_loopback
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_NAME = 255

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_BUCKET_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_BUCKET_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
# Under such a name, something else is stored.
_NO_DATABASE = (".tar", ".wal", ".wal.checkpoint", ".wal.recovery", "-wal", "-journal", "-shm")
_PLACEHOLDER = re.compile(r"<[A-Za-z0-9_-]+>")
_INVALID_URL = {
    UrlPart.SYNTAX: "a URL such as {example}",
    UrlPart.SCHEME_OR_HOST: "a URL with http:// or https:// and a host, such as {example}",
    UrlPart.USERINFO: f"without a user or key; {CREDENTIALS_BELONG}",
    UrlPart.QUERY: "without ? or #, such as {example}",
    UrlPart.HOST_NAME: "a URL with a plain host name or address, such as {example}",
}


@dataclass(frozen=True, slots=True)
class Given:
    """What a rule may look at besides its value: the fields before it, and the home directory."""

    settled: Mapping[str, Any]
    home: Path


def check(name: str, value: Any, context: Given) -> Any:
    """The value of field `name` as it is used; raises RejectedError."""
    rule = _RULES.get(name)
    return rule(value, context) if rule else value


def is_placeholder(endpoint: str) -> bool:
    """Whether an endpoint still reads as in a guide: `https://<account>.r2...`."""
    return bool(_PLACEHOLDER.search(endpoint))


def _bucket(value: str, _: Given) -> str:
    if not value:
        return value
    if "/" in value:
        raise RejectedError("a bucket's bare name, without s3:// and without a folder")
    if not _BUCKET.fullmatch(value) or ".." in value or is_ip(value):
        raise RejectedError(
            "3 to 63 lower-case letters, digits, dots and hyphens, beginning and ending with a "
            "letter or digit, without two dots in a row, and no IP address"
        )
    if value.startswith(_BUCKET_PREFIXES) or value.endswith(_BUCKET_SUFFIXES):
        raise RejectedError("a name S3 does not keep for itself (a prefix or suffix here is)")
    return value


def _endpoint(value: str, context: Given) -> str:
    if not value:
        return value
    url = _url(value, "https://s3.us-east-1.amazonaws.com")
    path = url.path.rstrip("/")
    if path:
        bucket = context.settled["akosha_cloud_bucket"]
        reason = "the bucket belongs in akosha_cloud_bucket" if path == f"/{bucket}" else "no path"
        raise RejectedError(f"scheme and host only ({reason}): drop {one_line(path)}")
    _check_transport(url, context)
    return f"{url.scheme}://{url.netloc}"


def _http_url(value: str, context: Given) -> str:
    url = _url(value, "http://localhost:8682")
    if url.path.rstrip("/") not in {"", "/mcp"}:
        raise RejectedError("scheme and host, with or without /mcp, such as http://localhost:8682")
    _check_transport(url, context)
    return f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"


def _url(value: str, example: str) -> SplitResult:
    text = value.strip()
    try:
        split_url(_PLACEHOLDER.sub("placeholder", text))
    except InvalidURLError as error:
        raise RejectedError(_INVALID_URL[error.part].format(example=example)) from error
    return urlsplit(text)


def _check_transport(url: SplitResult, context: Given) -> None:
    insecure = url.scheme == "http" and not is_loopback(url.hostname or "")
    if insecure and not context.settled["akosha_allow_insecure_endpoint"]:
        raise RejectedError(
            "https:// beyond this machine (akosha_allow_insecure_endpoint allows http://, "
            "where memories travel unencrypted)"
        )


def _region(value: str, _: Given) -> str:
    if not value:
        return "auto"
    if not is_region(value):
        raise RejectedError("auto, or a region such as us-east-1")
    return value


def _system_id(value: str, _: Given) -> str:
    if value and not re.search(r"[A-Za-z0-9]", value):
        raise RejectedError("empty, or hold at least one ASCII letter or digit")
    return value


def _path(value: str, context: Given) -> str:
    if not value:
        return value
    if value == "~" or value.startswith("~/"):
        return str(context.home / value[2:])
    if not Path(value).is_absolute():
        raise RejectedError("an absolute path, or one that begins with ~/")
    return value


def _file(value: str, context: Given) -> str:
    """A path that may be relative to the data directory, as Session-Buddy takes it."""
    path = Path(value)
    if value == "~" or value.endswith("/") or path.name in {"", ".."}:
        raise RejectedError("the path of a file")
    if value.endswith(_NO_DATABASE):
        raise RejectedError("the path of a database, and not of what may lie beside one")
    return str(context.home / value[2:]) if value.startswith("~/") else value


def _databases(value: tuple[str, ...], _: Given) -> tuple[str, ...]:
    for name in value:
        if "/" in name or "\\" in name or name in {".", ".."} or len(name) > MAX_NAME:
            raise RejectedError("file names or globs inside akosha_data_dir, without folders")
    return value


def _include(value: tuple[str, ...], _: Given) -> tuple[str, ...]:
    if not set(value) <= set(FILE_SETS):
        raise RejectedError(f"names of sets of files; there are {', '.join(FILE_SETS)}")
    return tuple(dict.fromkeys(value))


def _profile(value: str, _: Given) -> str:
    if value != value.strip() or "]" in value or len(value) > MAX_NAME:
        raise RejectedError("a profile name as in ~/.aws/config")
    return value


def _kms_key(value: str, context: Given) -> str:
    if value and context.settled["akosha_sse"] != "aws:kms":
        raise RejectedError("empty, unless akosha_sse is aws:kms")
    return value


def _object_lock_mode(value: str, context: Given) -> str:
    if value and not context.settled["akosha_object_lock_days"]:
        raise RejectedError("empty, unless akosha_object_lock_days is set")
    return value


# Rules that look at other fields come after them, whatever the table's order.
_RULES: Mapping[str, Callable[[Any, Given], Any]] = {
    "akosha_cloud_bucket": _bucket,
    "akosha_cloud_region": _region,
    "akosha_system_id": _system_id,
    "akosha_data_dir": _path,
    "data_dir": _path,
    "database_path": _file,
    "akosha_databases": _databases,
    "akosha_include": _include,
    "akosha_aws_profile": _profile,
    "akosha_ca_file": _path,
    "akosha_metrics_file": _path,
    "akosha_cloud_endpoint": _endpoint,
    "akosha_http_url": _http_url,
    "akosha_sse_kms_key_id": _kms_key,
    "akosha_object_lock_mode": _object_lock_mode,
}
DEPENDENT = (
    "akosha_cloud_endpoint",
    "akosha_http_url",
    "akosha_sse_kms_key_id",
    "akosha_object_lock_mode",
)
