from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.akosha import forget
from akosha_hook.demo.databases import (
    REFLECTION_TABLES,
    add_conversations,
    add_reflections,
    make_graph_database,
    make_reflection_database,
)
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import (
    AkoshaHookError,
    CredentialsError,
    DeadlinePassedError,
    DeliveryError,
    ExitCode,
)
from akosha_hook.paths import Paths
from akosha_hook.state.receipt import ReceiptFile
from akosha_hook.util.progress import Silent
from tests.akosha.conftest import Pusher
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.duckdb_files import contents, crash_after, make_too_new
from tests.support.mcp_fake import FakeMcp, plain, told, tool_failure, tool_result


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pattern") / "reflection.duckdb"
    make_reflection_database(path, conversations=40, reflections=10)
    return path


@pytest.fixture
def database(tmp_path: Path, pattern: Path) -> Path:
    path = tmp_path / "copy" / "reflection.duckdb"
    path.parent.mkdir()
    shutil.copyfile(pattern, path)
    return path


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_every_memory_arrives_as_akosha_wants_it(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    assert pusher.counts(database) == {"stored": 50}
    by_original = {each["metadata"]["original_id"]: each for each in akosha.memories.values()}
    assert len(by_original) == 50
    memory = by_original["conversation-7"]
    metadata = memory["metadata"]
    assert metadata["source"] == "mac"
    assert metadata["type"] == "conversation"
    assert metadata["project"] == "demo"
    assert metadata["category"] == "context"
    assert metadata["session_id"] == "session-0"
    assert datetime.fromisoformat(metadata["created_at"]).tzinfo is not None
    assert by_original["reflection-3"]["metadata"]["type"] == "reflection"
    assert by_original["reflection-3"]["metadata"]["tags"] == ["demo", "lesson"]
    with duckdb.connect(str(database), read_only=True) as connection:
        content, embedding = connection.execute(
            "SELECT content, embedding FROM conversations_v2 WHERE id = 'conversation-7'"
        ).fetchall()[0]
    assert memory["text"] == content
    assert memory["embedding"] == pytest.approx(embedding, rel=1e-7)


def test_an_unchanged_database_sends_nothing(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    pusher.push(database)
    akosha.requests.clear()
    assert pusher.counts(database) == {"known": 50}
    assert akosha.requests == []


def test_a_grown_database_sends_the_new_rows(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    pusher.push(database)
    with duckdb.connect(str(database)) as connection:
        add_conversations(connection, 8, start=40)
        add_reflections(connection, 2, start=10)
    akosha.batches.clear()
    assert pusher.counts(database) == {"stored": 10, "known": 50}
    assert akosha.batches == [10]


def test_rows_still_in_the_wal_are_sent_and_the_copy_is_left_alone(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    crash_after(
        database,
        "INSERT INTO conversations_v2 (id, content, embedding) "
        "SELECT 'late', 'in the wal', embedding FROM conversations_v2 LIMIT 1",
    )
    before = contents(database.parent)
    assert pusher.counts(database) == {"stored": 51}
    assert "in the wal" in {each["text"] for each in akosha.memories.values()}
    assert contents(database.parent) == before


def test_many_rows_go_in_batches_the_server_takes(
    pusher: Pusher, akosha: AkoshaServer, tmp_path: Path
) -> None:
    path = tmp_path / "reflection.duckdb"
    make_reflection_database(path, conversations=0, reflections=0)
    change(
        path,
        "INSERT INTO conversations_v2 (id, content, embedding) "
        "SELECT i, 'text ' || i, list_resize([0.5::FLOAT], 384, 0.25::FLOAT)::FLOAT[384] "
        "FROM range(2600) t(i)",
    )
    assert pusher.counts(path) == {"stored": 2600}
    assert sum(akosha.batches) == 2600
    assert max(akosha.batches) <= 1000


def test_long_texts_are_split_by_size(pusher: Pusher, akosha: AkoshaServer, database: Path) -> None:
    """The SDK's server refuses requests beyond 4 MiB: 50 rows of 200 kB need several."""
    change(database, "UPDATE conversations_v2 SET content = id || repeat(' x', 100_000)")
    assert pusher.counts(database) == {"stored": 50}
    assert len(akosha.batches) >= 3


def test_one_row_too_large_for_the_server_fails_alone(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    change(
        database,
        "UPDATE conversations_v2 SET content = repeat('x', 5_000_000) WHERE id = 'conversation-3'",
    )
    with pytest.raises(
        DeliveryError, match=r"1 memories failed: .*no request of this size"
    ) as caught:
        pusher.push(database)
    assert caught.value.details["stored"] == 49


def test_rows_without_a_usable_embedding_get_the_servers(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    change(
        database,
        "UPDATE conversations_v2 SET embedding = NULL",
        "UPDATE conversations_v2 SET content = repeat('long ', 4000) || chr(0) "
        "WHERE id = 'conversation-3'",
    )
    assert pusher.counts(database) == {"stored": 50}
    assert len(akosha.embedded) == 40
    assert max(map(len, akosha.embedded)) == 10_000
    long = next(
        each
        for each in akosha.memories.values()
        if each["metadata"]["original_id"] == "conversation-3"
    )
    assert len(long["text"]) == 20_001


@pytest.mark.parametrize("embeds", [None, "fallback"])
def test_rows_are_skipped_where_the_server_has_no_real_embeddings(
    pusher: Pusher, akosha: AkoshaServer, database: Path, paths: Paths, embeds: str | None
) -> None:
    """Akosha without its model makes numbers up and says `fallback`: they are not memories."""
    change(database, "UPDATE conversations_v2 SET embedding = NULL WHERE id LIKE '%-1%'")
    akosha.embeds = embeds
    restarted = AkoshaServer(free_ports(1)[0], embeds=embeds)
    with serve(restarted):
        delivery = Pusher(paths, restarted.url).push(database)
    assert delivery.details["stored"] == 39
    (reason,) = delivery.details["skipped"]
    assert "no embedding" in reason
    assert delivery.details["skipped"][reason] == 11
    assert any("11 memories were skipped: no embedding" in note for note in delivery.notes)


def test_blank_texts_are_skipped_and_counted(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    change(database, "UPDATE reflections_v2 SET content = '  ' WHERE id = 'reflection-1'")
    assert pusher.counts(database) == {"stored": 49, "skipped": {"empty text": 1}}


def test_a_knowledge_graph_is_said_not_to_be_carried(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    graph = database.with_name("knowledge_graph.duckdb")
    make_graph_database(graph, entities=7)
    delivery = pusher.push(database, graph)
    assert delivery.details["not_carried"] == {"kg_entities": 7}
    assert any("7 kg_entities were not carried" in note for note in delivery.notes)
    assert len(akosha.memories) == 50


def test_rows_already_there_count_as_such(
    pusher: Pusher, akosha: AkoshaServer, database: Path, paths: Paths
) -> None:
    pusher.push(database)
    forget(paths, akosha.url)
    assert pusher.counts(database) == {"already_stored": 50}
    assert pusher.counts(database) == {"known": 50}


def test_the_same_row_on_two_systems_is_two_memories(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    """Session-Buddy's ids are hashes of the text: two machines that heard the same have the same."""
    pusher.push(database)
    pusher.system_id = "other"
    assert pusher.counts(database) == {"stored": 50}
    assert {each["metadata"]["source"] for each in akosha.memories.values()} == {"mac", "other"}


def test_an_edited_row_is_a_new_memory(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    pusher.push(database)
    change(database, "UPDATE conversations_v2 SET content = 'better' WHERE id = 'conversation-3'")
    assert pusher.counts(database) == {"stored": 1, "known": 49}
    change(database, "UPDATE conversations_v2 SET access_count = 9")
    assert pusher.counts(database) == {"known": 50}


def test_a_migrated_row_is_one_memory(pusher: Pusher, akosha: AkoshaServer, database: Path) -> None:
    change(
        database,
        "CREATE TABLE conversations AS SELECT id, content, embedding, timestamp AS created_at "
        "FROM conversations_v2",
        "INSERT INTO conversations SELECT 'old', 'never migrated', embedding, created_at "
        "FROM conversations LIMIT 1",
    )
    counts = pusher.counts(database)
    assert counts["stored"] == 51
    assert set(counts) <= {"stored", "known"}
    assert len(akosha.memories) == 51


def test_rows_the_server_refuses_are_told_and_tried_again(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    akosha.refuse = lambda memory: (
        "no room" if memory["metadata"]["original_id"] == "conversation-3" else None
    )
    with pytest.raises(
        DeliveryError, match=r"stored 49 memories\. 1 memories failed: no room \(1\)"
    ) as caught:
        pusher.push(database)
    assert caught.value.exit_code == ExitCode.FAILED
    assert caught.value.details["failed"] == {"no room": 1}
    assert caught.value.retryable
    akosha.refuse = lambda _: None
    akosha.batches.clear()
    assert pusher.counts(database) == {"stored": 1, "known": 49}
    assert akosha.batches == [1]


def test_a_server_that_refuses_everything_is_soon_left_alone(
    pusher: Pusher, akosha: AkoshaServer, tmp_path: Path
) -> None:
    path = tmp_path / "reflection.duckdb"
    make_reflection_database(path, conversations=0, reflections=0)
    change(
        path,
        "INSERT INTO conversations_v2 (id, content, embedding) "
        "SELECT i, 'text ' || i, list_resize([0.5::FLOAT], 384, 0.25::FLOAT)::FLOAT[384] "
        "FROM range(4000) t(i)",
    )
    akosha.refuse = lambda _: "read-only"
    with pytest.raises(DeliveryError, match="read-only") as caught:
        pusher.push(path)
    assert len(akosha.batches) == 3
    assert sum(caught.value.details["failed"].values()) == sum(akosha.batches)


def test_a_server_that_is_not_running_is_named_with_its_command_and_not_waited_for(
    pusher: Pusher, database: Path
) -> None:
    pusher.url = f"http://127.0.0.1:{free_ports(1)[0]}"
    pusher.retries = 3
    with pytest.raises(DeliveryError, match="Akosha HTTP endpoint unreachable") as caught:
        pusher.push(database)
    assert "akosha mcp start" in caught.value.hint
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert caught.value.retryable
    assert pusher.waits == []


def test_a_server_without_the_full_profile_is_told_how_to_start_it(
    paths: Paths, database: Path
) -> None:
    with (
        serve(AkoshaServer(free_ports(1)[0], full_profile=False)) as server,
        pytest.raises(DeliveryError) as caught,
    ):
        Pusher(paths, server.url, retries=3).push(database)
    assert "AKOSHA_TOOL_PROFILE=full" in caught.value.hint


def test_a_token_is_sent_and_a_wrong_one_is_told(paths: Paths, database: Path) -> None:
    with serve(AkoshaServer(free_ports(1)[0], token="right-token")) as server:
        good = Pusher(paths, server.url, environ={"AKOSHA_TOKEN": "right-token"})
        assert good.counts(database) == {"stored": 50}
        forget(paths, server.url)
        bad = Pusher(paths, server.url, environ={"AKOSHA_TOKEN": "wrong-token"})
        with pytest.raises(CredentialsError, match="AKOSHA_TOKEN") as caught:
            bad.push(database)
    assert "wrong-token" not in caught.value.message


@pytest.mark.parametrize(
    "server",
    [
        {"json_response": True},
        {"prefix": "akosha_"},
        {"health": "/status"},
        {"health": ""},
    ],
)
def test_servers_of_other_kinds_work_too(
    paths: Paths, database: Path, server: dict[str, str]
) -> None:
    with serve(AkoshaServer(free_ports(1)[0], **server)) as other:  # type: ignore[arg-type]
        assert Pusher(paths, other.url + "/mcp").counts(database) == {"stored": 50}
        assert "DELETE /mcp" in other.requests


def test_what_one_server_has_another_is_still_sent(
    pusher: Pusher, paths: Paths, database: Path
) -> None:
    pusher.push(database)
    with serve(AkoshaServer(free_ports(1)[0])) as other:
        assert Pusher(paths, other.url).counts(database) == {"stored": 50}


def test_a_restarted_server_gets_the_rest_in_a_new_session(
    pusher: Pusher, akosha: AkoshaServer, database: Path, httpserver: HTTPServer
) -> None:
    """The fake forgets the session between two batches, as a restart does."""
    change(database, "UPDATE conversations_v2 SET content = id || repeat(' x', 100_000)")
    mcp = FakeMcp()
    mcp.attach(httpserver)
    mcp.answers = [
        lambda _: told(tool_result(stored(mcp)))(mcp.documents[-1]["id"]),
        plain(Response("Session not found", status=404)),
        *[lambda _: told(tool_result(stored(mcp)))(mcp.documents[-1]["id"])] * 10,
    ]
    pusher.url = httpserver.url_for("")
    assert pusher.counts(database) == {"stored": 50}
    assert mcp.sessions == 2


def stored(mcp: FakeMcp) -> dict[str, object]:
    count = len(mcp.documents[-1]["params"]["arguments"]["memories"])
    return {"status": "completed", "total": count, "stored": count, "failed": 0, "errors": []}


def test_what_was_stored_before_a_failure_is_kept(
    pusher: Pusher, database: Path, httpserver: HTTPServer
) -> None:
    change(database, "UPDATE conversations_v2 SET content = id || repeat(' x', 100_000)")
    mcp = FakeMcp()
    mcp.attach(httpserver)
    first = lambda _: told(tool_result(stored(mcp)))(mcp.documents[-1]["id"])  # noqa: E731
    mcp.answers = [first, *[plain(Response("gone", status=502))] * 2]
    pusher.url, pusher.retries = httpserver.url_for(""), 1
    with pytest.raises(DeliveryError, match=r"HTTP 502: gone\. \d+ memories were stored") as caught:
        pusher.push(database)
    before = caught.value.details["stored"]
    assert 0 < before < 50
    assert set(contents(database.parent)) == {"reflection.duckdb"}
    assert len(pusher.waits) == 1
    mcp.answers = [first] * 10
    assert pusher.counts(database) == {"stored": 50 - before, "known": before}


def test_a_batch_that_fails_as_a_whole_is_not_called_stored(
    pusher: Pusher, database: Path, httpserver: HTTPServer
) -> None:
    mcp = FakeMcp([told(tool_failure("the store is read-only"))])
    mcp.attach(httpserver)
    pusher.url = httpserver.url_for("")
    with pytest.raises(DeliveryError, match=r"50 memories failed.*read-only"):
        pusher.push(database)


def test_the_deadline_ends_it_with_a_truthful_count(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    pusher.seconds = 0.0
    with pytest.raises(DeadlinePassedError) as caught:
        pusher.push(database)
    assert caught.value.details["stored"] == 0
    assert akosha.memories == {}


def test_a_database_nobody_here_can_read_is_told_and_the_others_go(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    newer = database.with_name("newer.duckdb")
    make_reflection_database(newer, conversations=5)
    make_too_new(newer)
    with pytest.raises(AkoshaHookError, match=r"newer\.duckdb could not be read: .*version"):
        pusher.push(newer, database)
    assert len(akosha.memories) == 50


def test_a_push_killed_in_the_middle_is_finished_by_the_next(
    pusher: Pusher, akosha: AkoshaServer, database: Path, paths: Paths, tmp_path: Path
) -> None:
    """Killed right after the server stored a batch, before that could be written down."""
    change(database, "UPDATE conversations_v2 SET content = id || repeat(' x', 100_000)")
    (tmp_path / "pid").write_text("")
    program = (
        "import os, pathlib, sys\n"
        "from tests.akosha.conftest import Pusher\n"
        "from akosha_hook.paths import Paths\n"
        "pathlib.Path(sys.argv[3]).write_text(str(os.getpid()))\n"
        "Pusher(Paths.from_environment(os.environ), sys.argv[1]).push(pathlib.Path(sys.argv[2]))\n"
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
    counts = pusher.counts(database)
    assert counts.get("stored", 0) + counts.get("already_stored", 0) + counts.get("known", 0) == 50
    assert len(akosha.memories) == 50


def test_rows_not_remembered_are_sent_again_and_said(
    pusher: Pusher, akosha: AkoshaServer, database: Path, paths: Paths
) -> None:
    paths.state.mkdir(parents=True)
    (paths.state / "akosha-rows").write_text("a file where the directory should be")
    delivery = pusher.push(database)
    assert delivery.details["stored"] == 50
    assert any("cannot be remembered" in note for note in delivery.notes)
    assert pusher.counts(database) == {"already_stored": 50}


def test_the_token_reaches_no_log(
    paths: Paths, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(AkoshaServer(free_ports(1)[0], token="right-token")) as server:
        Pusher(paths, server.url, environ={"AKOSHA_TOKEN": "right-token"}).push(database)
    assert "right-token" not in caplog.text


def test_no_memory_is_quoted_in_a_message_a_receipt_or_a_log(
    pusher: Pusher, akosha: AkoshaServer, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Validation errors quote what was sent."""
    caplog.set_level(logging.DEBUG, logger="akosha_hook")
    akosha.refuse = lambda memory: (
        f"1 validation error [type=bad, input_value={memory['text']!r}, input_type=str]"
    )
    with pytest.raises(DeliveryError, match="50 memories failed: 1 validation error") as caught:
        pusher.push(database)
    words = {each["text"] for each in akosha.refused}
    logged = [each.getMessage() for each in caplog.records if each.name.startswith("akosha_hook")]
    told = f"{caught.value.message} {caught.value.details} {logged}"
    assert logged
    assert not any(text[:40] in told for text in words)
    assert caught.value.details["failed"] == {
        "1 validation error [type=bad, input_value=..., input_type=str]": 50
    }


def test_the_receipt_lists_what_this_server_was_shown(pusher: Pusher, database: Path) -> None:
    """After a fallback the known files are in the bucket; this server never saw them."""
    in_bucket = ReceiptFile(
        name="a.duckdb", database="a.duckdb", status="uploaded", size=1, sha256="1", key="systems/x"
    )
    pushed = ReceiptFile(
        name="b.duckdb", database="b.duckdb", status="uploaded", size=1, sha256="2"
    )
    delivery = pusher.push(
        database,
        unchanged=("a.duckdb", "b.duckdb"),
        known={"a.duckdb": in_bucket, "b.duckdb": pushed},
    )
    assert [(each.name, each.status) for each in delivery.files] == [
        ("b.duckdb", "unchanged"),
        ("reflection.duckdb", "uploaded"),
    ]
    assert delivery.files_uploaded == ()
    assert delivery.bytes_transferred > 50 * 384


class Watching(Silent):
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.plain = 0
        self.wire = 0
        self.totals: dict[str, int] = {}

    def file(self, name: str, total_bytes: int) -> None:
        self.totals[name] = total_bytes

    def advance(self, name: str, plain_bytes: int, wire_bytes: int) -> None:
        assert plain_bytes >= 0
        self.plain += plain_bytes
        self.wire += wire_bytes


def test_progress_adds_up_to_the_databases_size(
    pusher: Pusher, akosha: AkoshaServer, database: Path
) -> None:
    graph = database.with_name("knowledge_graph.duckdb")
    make_graph_database(graph, entities=7)
    pusher.progress = watching = Watching()
    pusher.push(database, graph)
    sizes = {each.name: each.stat().st_size for each in (database, graph)}
    assert watching.totals == sizes
    assert watching.plain == sum(sizes.values())


def test_a_database_without_memories_is_no_reason_to_call(
    pusher: Pusher, akosha: AkoshaServer, tmp_path: Path
) -> None:
    path = tmp_path / "reflection.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in REFLECTION_TABLES:
            connection.execute(statement)
    assert pusher.counts(path) == {}
    assert akosha.requests == []
