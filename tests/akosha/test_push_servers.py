"""Servers of other kinds: not running, without tools, with a token, several at once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from akosha_hook.akosha import forget
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import (
    CredentialsError,
    DeliveryError,
    ExitCode,
)
from akosha_hook.paths import Paths
from tests.akosha.conftest import PushRunner
from tests.support.akosha_server import AkoshaServer, serve


def test_a_server_that_is_not_running_is_not_waited_for(runner: PushRunner, database: Path) -> None:
    runner.url = f"http://127.0.0.1:{free_ports(1)[0]}"
    runner.retries = 3
    with pytest.raises(DeliveryError, match="Akosha HTTP endpoint unreachable") as caught:
        runner.push(database)
    assert "akosha mcp start" in caught.value.hint
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert caught.value.retryable
    assert runner.waits == []


def test_a_server_that_is_unavailable_is_sent_nothing(paths: Paths, database: Path) -> None:
    unavailable = (503, {"status": "failed"})
    with serve(AkoshaServer(free_ports(1)[0], health_answer=unavailable)) as server:
        runner = PushRunner(paths, server.url, retries=2)
        with pytest.raises(DeliveryError, match="HTTP 503") as caught:
            runner.push(database)
        assert server.memories == {}
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert len(runner.waits) == 2


def test_for_a_server_without_the_full_profile_the_hint_says_how_to_start_it(
    paths: Paths, database: Path
) -> None:
    with (
        serve(AkoshaServer(free_ports(1)[0], full_profile=False)) as server,
        pytest.raises(DeliveryError) as caught,
    ):
        PushRunner(paths, server.url, retries=3).push(database)
    assert "AKOSHA_TOOL_PROFILE=full" in caught.value.hint


def test_a_token_is_sent_and_a_wrong_one_reported(paths: Paths, database: Path) -> None:
    with serve(AkoshaServer(free_ports(1)[0], token="right-token")) as server:
        good = PushRunner(paths, server.url, environ={"AKOSHA_TOKEN": "right-token"})
        assert good.counts(database) == {"stored": 50}
        forget(paths, server.url)
        bad = PushRunner(paths, server.url, environ={"AKOSHA_TOKEN": "wrong-token"})
        with pytest.raises(CredentialsError, match="AKOSHA_TOKEN") as caught:
            bad.push(database)
    assert "wrong-token" not in caught.value.message


def test_the_token_reaches_no_log(
    paths: Paths, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(AkoshaServer(free_ports(1)[0], token="right-token")) as server:
        PushRunner(paths, server.url, environ={"AKOSHA_TOKEN": "right-token"}).push(database)
    assert "right-token" not in caplog.text


@pytest.mark.parametrize(
    "server",
    [
        {"json_response": True},
        {"prefix": "akosha_"},
        {"health": "/status"},
        {"health_answer": (503, {"status": "degraded"})},
        {"health": ""},
    ],
)
def test_servers_of_other_kinds_work_too(
    paths: Paths, database: Path, server: dict[str, Any]
) -> None:
    with serve(AkoshaServer(free_ports(1)[0], **server)) as other:
        assert PushRunner(paths, other.url + "/mcp").counts(database) == {"stored": 50}
        assert "DELETE /mcp" in other.requests


def test_rows_that_one_server_has_are_still_sent_to_another(
    runner: PushRunner, paths: Paths, database: Path
) -> None:
    runner.push(database)
    with serve(AkoshaServer(free_ports(1)[0])) as other:
        assert PushRunner(paths, other.url).counts(database) == {"stored": 50}
