"""Logging: short lines to Session-Buddy's log, everything to our own rotated one, never a secret."""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import re
import time
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, TextIO

from akosha_hook.util.files import FILE_MODE, private_directory
from akosha_hook.util.secret import VARIABLES, Secret
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths

LOGGER = "akosha_hook"
ROTATE_BYTES = 1_000_000
ROTATE_KEEP = 3
# Shorter ones are found in ordinary words.
MIN_BASE64 = 6

# Both alphabets of RFC 4648, the one for URLs too.
_BASE64 = {"+": "[+-]", "/": "[/_]"}

# Credentials as HTTP and S3 write them: a header or query value, and an AWS access key id.
_CREDENTIAL = re.compile(
    r"(?i)((?:authorization|x-amz-security-token|x-amz-signature|signature|credential|"
    r"aws_secret_access_key|aws_session_token|password|secret_key|token)"
    r"[\"']?\s*[=:]\s*[\"']?(?:bearer\s+|basic\s+)?)[^\s\"',;&]+"
)
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
_USERINFO = re.compile(r"(?i)\b(https?://)[^/\s@]+@")


def _forms(secret: str) -> Iterator[str]:
    """Patterns of `secret` as it is or URL-encoded, and of its base64 wherever it begins in the data."""
    yield "".join(map(_url_encoded, secret))
    data = secret.encode(errors="surrogateescape")
    for before in range(3):
        # The characters at both ends depend on what stands beside the secret.
        encoded = base64.b64encode(b"\0" * before + data).decode()
        first = (before * 8 + 5) // 6
        inner = encoded[first : (before + len(data)) * 8 // 6]
        if len(inner) >= MIN_BASE64:
            yield "".join(_BASE64.get(each, each) for each in inner)


def _length(form: tuple[int, re.Pattern[str]]) -> int:
    return form[0]


def _url_encoded(character: str) -> str:
    """A pattern of `character` as it is or percent-encoded, in whatever case; a space may be a plus."""
    encoded = "".join(f"%{byte:02x}" for byte in character.encode(errors="surrogateescape"))
    ways = [re.escape(character), f"(?i:{encoded})", *(["\\+"] if character == " " else [])]
    return f"(?:{'|'.join(ways)})"


class RedactingFormatter(logging.Formatter):
    """Formats records in UTC and replaces secrets, tracebacks included.

    Every physical line carries the prefix, so that `grep -i akosha` shows whole messages.
    """

    def __init__(self, secrets: Iterable[Secret] = (), *, tracebacks: bool) -> None:
        super().__init__("%(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._tracebacks = tracebacks
        self._secrets: set[str] = set()
        self._forms: list[tuple[int, re.Pattern[str]]] = []
        for secret in secrets:
            self.protect(secret)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return tuple(map(Secret, self._secrets))

    def protect(self, secret: Secret) -> None:
        if len(secret.reveal()) >= 4:  # noqa: PLR2004 - shorter ones would redact ordinary words
            self._secrets.add(secret.reveal())
            forms = [(len(secret.reveal()), re.compile(each)) for each in _forms(secret.reveal())]
            # A key may be part of another one.
            self._forms = sorted({*self._forms, *forms}, key=_length, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if self._tracebacks and record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        prefix = f"{self.formatTime(record, self.datefmt)} {record.levelname:<7} akosha[{record.process}]: "
        lines = self.redact(text).replace("\r\n", "\n").removesuffix("\n").split("\n")
        return "\n".join(prefix + printable(line, keep="\t") for line in lines)

    def redact(self, text: str) -> str:
        for _, pattern in self._forms:
            text = pattern.sub("***", text)
        text = _CREDENTIAL.sub(r"\1***", text)
        text = _USERINFO.sub(r"\1***@", text)
        return _ACCESS_KEY.sub("***", text)


class _QuietHandler(logging.Handler):
    """Keeps quiet about a line that cannot be written, as on a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Leave out the traceback that `logging` would print."""


class _QuietStreamHandler(_QuietHandler, logging.StreamHandler[TextIO]):
    """Session-Buddy's log, which is never rotated by us."""


class _PrivateRotatingFileHandler(_QuietHandler, RotatingFileHandler):
    def _open(self):  # type: ignore[no-untyped-def]
        descriptor = os.open(
            self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE
        )
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def _session_buddy_handler(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
    stream = os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
    return _QuietStreamHandler(stream)


def configure(paths: Paths, *, level: str = "INFO", debug: bool = False) -> None:
    """Send the package's log to both files; one that cannot be opened is left out.

    Without a state directory nothing is created: commands that only look leave no trace.

    `debug` (the guide's `enable_debug_mode`) lowers the level and adds tracebacks to both.
    """
    logger = logging.getLogger(LOGGER)
    known = _protected(logger)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = False
    threshold = "DEBUG" if debug else level
    logger.setLevel(logging.DEBUG)
    # It knows what to redact even where no log can be opened.
    silent = logging.NullHandler()
    silent.setFormatter(RedactingFormatter(known, tracebacks=False))
    logger.addHandler(silent)
    if not paths.state.is_dir():
        return
    with contextlib.suppress(OSError):
        private_directory(paths.state)
        own = _PrivateRotatingFileHandler(
            paths.log, maxBytes=ROTATE_BYTES, backupCount=ROTATE_KEEP, encoding="utf-8"
        )
        own.setLevel("DEBUG" if threshold == "DEBUG" else "INFO")
        own.setFormatter(RedactingFormatter(known, tracebacks=True))
        logger.addHandler(own)
    with contextlib.suppress(OSError):
        shared = _session_buddy_handler(paths.session_buddy_log)
        shared.setLevel(threshold)
        shared.setFormatter(RedactingFormatter(known, tracebacks=debug))
        logger.addHandler(shared)


def _protected(logger: logging.Logger) -> tuple[Secret, ...]:
    """The secrets that the handlers of an earlier `configure` redact."""
    formatters = [handler.formatter for handler in logger.handlers]
    return tuple(
        secret
        for each in formatters
        if isinstance(each, RedactingFormatter)
        for secret in each.secrets
    )


def redacted(text: str) -> str:
    """`text` from elsewhere, without the secrets that were passed to `protect`."""
    for handler in logging.getLogger(LOGGER).handlers:
        if isinstance(handler.formatter, RedactingFormatter):
            text = handler.formatter.redact(text)
    return text


def protect(*secrets: Secret) -> None:
    """Redact these values in everything that is logged from now on."""
    for handler in logging.getLogger(LOGGER).handlers:
        if isinstance(handler.formatter, RedactingFormatter):
            for secret in secrets:
                handler.formatter.protect(secret)


def protect_environment(environ: Mapping[str, str]) -> None:
    """Protect the keys in `environ` from the start: whoever receives one may echo it at any time."""
    protect(*(Secret(environ[name].strip()) for name in VARIABLES if environ.get(name)))
