"""Findings, and requests that never end."""

from __future__ import annotations

import logging
import threading

import pytest

from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.errors import UnreachableError
from akosha_hook.util import log
from akosha_hook.util.secret import Secret


def test_something_that_never_answers_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(UnreachableError, match="took longer than"):
        bounded(never.wait, seconds=0.05, what="waiting")
    never.set()


def test_an_answer_in_time_is_returned_and_an_error_is_raised_here() -> None:
    assert bounded(lambda: 5, seconds=60, what="adding") == 5
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 // 0, seconds=60, what="dividing")


def test_a_key_that_a_detail_quotes_is_redacted() -> None:
    handler = logging.NullHandler()
    secret = Secret("a-secret-of-some-length")
    handler.setFormatter(log.RedactingFormatter([secret], tracebacks=False))
    logging.getLogger(log.LOGGER).addHandler(handler)
    try:
        finding = Finding("Bucket", "put", "problem", f"refused: {secret.reveal()}")
    finally:
        logging.getLogger(log.LOGGER).removeHandler(handler)
    assert finding.detail == "refused: ***"
