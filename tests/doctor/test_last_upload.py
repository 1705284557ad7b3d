"""Whether the bucket still has the last upload: what `doctor` and `status --check` say of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from akosha_hook.doctor import last_upload
from akosha_hook.doctor.finding import Finding
from akosha_hook.errors import ExitCode
from akosha_hook.state import looks
from akosha_hook.sync import select
from tests.support import faults
from tests.support.faults import FaultyProxy, faulty_proxy
from tests.support.findings import context_of, examine, only
from tests.support.home import Home
from tests.support.recovery import upload


@pytest.fixture
def network(at_home: Home) -> Iterator[FaultyProxy]:
    """What lies between a home with one upload and its bucket."""
    assert at_home.bucket is not None
    with faulty_proxy(at_home.bucket.server.endpoint) as proxy:
        at_home.configure(akosha_cloud_endpoint=proxy.url)
        upload(at_home.paths)
        proxy.asked.clear()
        yield proxy


def finding(home: Home) -> Finding:
    (found,) = last_upload.findings(context_of(home))
    return found


def test_before_the_first_upload_there_is_nothing_to_look_for(at_home: Home) -> None:
    assert not list(last_upload.findings(context_of(at_home)))
    assert not at_home.paths.looks.exists()


def test_it_takes_a_head_of_each_object(at_home: Home, network: FaultyProxy) -> None:
    assert finding(at_home).state == "ok"
    assert sorted(network.operations()) == ["HeadManifest", "HeadObject", "HeadObject"]


def test_what_is_lost_is_a_problem_with_the_exit_code_of_damage(
    at_home: Home, network: FaultyProxy
) -> None:
    assert at_home.bucket is not None
    key = next(each for each in at_home.bucket.object_keys() if "manifest" not in each)
    at_home.bucket.client.remove_object(at_home.bucket.name, key)
    found = only(examine(at_home), "Bucket", "last upload")
    assert (found.state, found.exit_code) == ("problem", ExitCode.DAMAGED)
    assert key in found.detail
    assert found.fix.startswith("akosha-hook sync")
    target = select.preferred(context_of(at_home))
    assert target is not None
    seen = looks.last(at_home.paths, target)
    assert seen is not None
    assert (seen.lost, seen.pending) == ((key,), True)


def test_what_is_no_longer_here_cannot_be_sent_again(at_home: Home, network: FaultyProxy) -> None:
    assert at_home.bucket is not None
    graph, reflection = "knowledge_graph.duckdb", "reflection.duckdb"
    keys = {each.rsplit("/", 1)[1]: each for each in at_home.bucket.object_keys()}
    at_home.bucket.client.remove_object(at_home.bucket.name, keys[graph])
    assert finding(at_home).fix == "akosha-hook sync, which sends again what is lost"
    (at_home.paths.data / graph).unlink()
    why = f"{graph} cannot be sent again, since what was stored is no longer here"
    assert finding(at_home).fix == (
        f"akosha-hook sync, which makes an upload without what is lost; {why}"
    )
    at_home.bucket.client.remove_object(at_home.bucket.name, keys[reflection])
    assert finding(at_home).fix == (
        f"akosha-hook sync, which sends again the rest of what is lost; {why}"
    )


def test_keys_that_may_not_look_are_no_problem(at_home: Home, network: FaultyProxy) -> None:
    network.on("HeadManifest", "HeadObject", fault=faults.error(403, "AccessDenied"))
    found = finding(at_home)
    assert found.state == "ok"
    assert "not verified" in found.detail


def test_a_server_that_is_gone_is_asked_twice_and_leaves_no_look(
    at_home: Home, network: FaultyProxy
) -> None:
    network.on(fault=faults.error(503, "SlowDown"))
    found = finding(at_home)
    assert (found.state, found.exit_code) == ("problem", ExitCode.UNREACHABLE)
    assert network.operations() == ["HeadManifest", "HeadManifest"]
    assert not at_home.paths.looks.exists()


def test_a_server_that_does_not_answer_is_not_waited_for(
    at_home: Home, network: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_upload, "SECONDS", 0.5)
    network.on(fault=network.hole)
    found = finding(at_home)
    assert found.exit_code == ExitCode.UNREACHABLE
    assert "did not answer within 0.5 s" in found.detail
    assert "akosha_upload_timeout_seconds" not in found.fix
