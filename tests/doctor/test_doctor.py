"""All checks together."""

from __future__ import annotations

from akosha_hook import doctor
from akosha_hook.errors import ExitCode
from tests.support.findings import bad, context_of, examine, only
from tests.support.home import Home
from tests.support.s3 import TestBucket


def test_where_all_is_well_there_is_no_problem_and_nothing_is_left_behind(
    at_home: Home, any_bucket: TestBucket
) -> None:
    at_home.configure(
        akosha_cloud_bucket=any_bucket.name, akosha_cloud_endpoint=any_bucket.server.endpoint
    )
    findings = examine(at_home)
    assert not bad(findings)
    assert only(findings, "Bucket", "delete").detail == "works"
    assert "5 conversations" in str([each.detail for each in findings])
    assert any_bucket.object_keys() == []
    assert any_bucket.open_uploads() == 0
    assert not list(at_home.paths.claude.rglob(".doctor-*"))


def test_with_settings_in_doubt_no_server_is_asked(at_home: Home) -> None:
    at_home.configure(akosha_cloud_bucket="Not A Bucket")
    findings = examine(at_home)
    assert only(findings, "Settings", "destination").exit_code == ExitCode.SETTINGS
    assert not [each for each in findings if each.area in {"Bucket", "Akosha"}]


def test_servers_asks_for_access_only_and_stores_nothing(at_home: Home) -> None:
    findings = list(doctor.servers(context_of(at_home)))
    assert not bad(findings)
    assert only(findings, "Bucket", "list").detail == "works"
    assert not [each for each in findings if each.name.startswith(("put", "delete"))]
