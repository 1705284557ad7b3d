"""Pushes that end too early, and what the next push sends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.errors import (
    DeadlinePassedError,
    DeliveryError,
)
from akosha_hook.paths import Paths
from tests.akosha.conftest import PushRunner, lengthen
from tests.support.akosha_server import AkoshaServer
from tests.support.duckdb_files import contents
from tests.support.mcp_fake import Answer, FakeMcp, as_json, plain, result_of, tool_result


def storing(mcp: FakeMcp) -> Answer:
    """The answer of a server that has stored every row of the batch."""

    def answer(id_: int) -> Response:
        count = len(mcp.documents[-1]["params"]["arguments"]["memories"])
        counts = {"status": "completed", "total": count, "stored": count, "failed": 0, "errors": []}
        return as_json(result_of(id_, tool_result(counts)))

    return answer


def test_a_restarted_server_gets_the_rest_in_a_new_session(
    runner: PushRunner, akosha: AkoshaServer, database: Path, httpserver: HTTPServer
) -> None:
    """The fake forgets the session between two batches, as a restart does."""
    lengthen(database)
    mcp = FakeMcp()
    mcp.attach(httpserver)
    mcp.answers = [
        storing(mcp),
        plain(Response("Session not found", status=404)),
        *[storing(mcp)] * 10,
    ]
    runner.url = httpserver.url_for("")
    assert runner.counts(database) == {"stored": 50}
    assert mcp.sessions == 2


def test_what_was_stored_before_a_failure_is_kept(
    runner: PushRunner, database: Path, httpserver: HTTPServer
) -> None:
    lengthen(database)
    mcp = FakeMcp()
    mcp.attach(httpserver)
    mcp.answers = [storing(mcp), *[plain(Response("gone", status=502))] * 2]
    runner.url, runner.retries = httpserver.url_for(""), 1
    with pytest.raises(DeliveryError, match=r"HTTP 502: gone\. \d+ memories were stored") as caught:
        runner.push(database)
    before = caught.value.details["stored"]
    assert 0 < before < 50
    assert set(contents(database.parent)) == {"reflection.duckdb"}
    assert len(runner.waits) == 1
    mcp.answers = [storing(mcp)] * 10
    assert runner.counts(database) == {"stored": 50 - before, "known": before}


def test_the_deadline_ends_a_push_and_nothing_counts_as_stored(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.seconds = 0.0
    with pytest.raises(DeadlinePassedError) as caught:
        runner.push(database)
    assert caught.value.details["stored"] == 0
    assert akosha.memories == {}


def test_a_push_killed_in_the_middle_is_finished_by_the_next(
    runner: PushRunner, akosha: AkoshaServer, database: Path, paths: Paths, tmp_path: Path
) -> None:
    """Killed right after the server stored a batch, before that could be written down."""
    lengthen(database)
    (tmp_path / "pid").write_text("")
    program = (
        "import os, pathlib, sys\n"
        "from tests.akosha.conftest import PushRunner\n"
        "from akosha_hook.paths import Paths\n"
        "pathlib.Path(sys.argv[3]).write_text(str(os.getpid()))\n"
        "PushRunner(Paths.from_environment(os.environ), sys.argv[1]).push(pathlib.Path(sys.argv[2]))\n"
    )

    def kill(_: object) -> None:
        if len(akosha.memories) == 20:
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    akosha.refuse = kill
    done = subprocess.run(
        [sys.executable, "-c", program, akosha.url, str(database), str(tmp_path / "pid")],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    akosha.refuse = lambda _: None
    counts = runner.counts(database)
    assert counts.get("stored", 0) + counts.get("already_stored", 0) + counts.get("known", 0) == 50
    assert len(akosha.memories) == 50


def test_rows_that_could_not_be_remembered_are_sent_again_and_noted(
    runner: PushRunner, akosha: AkoshaServer, database: Path, paths: Paths
) -> None:
    paths.state.mkdir(parents=True)
    (paths.state / "akosha-rows").write_text("a file where the directory should be")
    result = runner.push(database)
    assert result.details["stored"] == 50
    assert any("could not be saved" in note for note in result.notes)
    assert runner.counts(database) == {"already_stored": 50}
