"""Each thing that `doctor` looks at, broken: it says what is wrong and what to type."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from akosha_hook import doctor, settings
from akosha_hook.context import Context
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.doctor.state import modes
from akosha_hook.errors import ExitCode, UnreachableError
from akosha_hook.paths import Paths
from akosha_hook.util import files
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket

DENIED = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
CREATED = (
    "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>1</UploadId>"
    "</InitiateMultipartUploadResult>"
)
LISTED = "<Result><Name>memories</Name><IsTruncated>false</IsTruncated></Result>"


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_enable_fallback=False)
    return home


def examine(home: Home, directory: Path | None = None) -> list[Finding]:
    context = Context(settings.load(os.environ, home.paths), home.paths, os.environ)
    return list(doctor.examine(context, directory or Path("/")))


def only(found: list[Finding], area: str, name: str) -> Finding:
    (finding,) = (each for each in found if each.area == area and each.name.startswith(name))
    return finding


def bad(found: list[Finding]) -> list[str]:
    return [f"{each.area} {each.name}: {each.detail}" for each in found if each.state == "problem"]


def test_where_all_is_well_there_is_no_problem_and_nothing_is_left_behind(
    at_home: Home, any_bucket: TestBucket
) -> None:
    at_home.configure(
        akosha_cloud_bucket=any_bucket.name, akosha_cloud_endpoint=any_bucket.server.endpoint
    )
    found = examine(at_home)
    assert not bad(found)
    assert only(found, "Bucket", "delete").detail == "works"
    assert "5 conversations" in str([each.detail for each in found])
    assert any_bucket.object_keys() == []
    assert any_bucket.open_uploads() == 0
    assert not list(at_home.paths.claude.rglob(".doctor-*"))


def test_a_secret_key_that_does_not_fit(at_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "demo-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    found = only(examine(at_home), "Bucket", "put")
    assert found.state == "problem"
    assert "the secret key does not match" in found.detail
    assert found.exit_code == ExitCode.CREDENTIALS
    assert "another-secret" not in f"{found}"


def test_no_keys_at_all(at_home: Home, home: Path) -> None:
    (home / ".aws" / "credentials").unlink()
    found = only(examine(at_home), "Bucket", "keys")
    assert (found.state, found.exit_code) == ("problem", ExitCode.CREDENTIALS)
    assert "~/.aws/credentials" in found.fix


def test_keys_that_others_can_read(at_home: Home, home: Path) -> None:
    (home / ".aws" / "credentials").chmod(0o644)
    found = only(examine(at_home), "Bucket", "keys")
    assert found.state == "warning"
    assert "chmod 600" in found.detail + found.fix


def test_a_bucket_that_does_not_exist(at_home: Home, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("")
    httpserver.expect_request(re.compile("/gone.*")).respond_with_data(
        "<Error><Code>NoSuchBucket</Code></Error>", status=404, content_type="application/xml"
    )
    at_home.configure(
        akosha_cloud_bucket="gone", akosha_cloud_endpoint=httpserver.url_for("").rstrip("/")
    )
    (found,) = (each for each in examine(at_home) if each.area == "Bucket" and each.fix)
    assert "does not exist" in found.detail
    assert "akosha_cloud_bucket" in found.fix


def test_a_missing_bucket_is_not_made_by_looking(at_home: Home, any_bucket: TestBucket) -> None:
    """SeaweedFS makes one for whoever puts into it."""
    missing = f"{any_bucket.name}-missing"
    at_home.configure(akosha_cloud_bucket=missing, akosha_cloud_endpoint=any_bucket.server.endpoint)
    assert any("does not exist" in each for each in bad(examine(at_home)))
    assert not any_bucket.client.bucket_exists(missing)


def test_a_server_that_is_not_there(at_home: Home) -> None:
    at_home.configure(akosha_cloud_endpoint=f"http://127.0.0.1:{free_ports(1)[0]}")
    found = examine(at_home)
    assert only(found, "Bucket", "server").exit_code == ExitCode.UNREACHABLE
    assert not [each for each in found if each.name.startswith("put")]


def test_a_name_that_no_resolver_knows(at_home: Home) -> None:
    at_home.configure(akosha_cloud_endpoint="https://nowhere.invalid")
    found = only(examine(at_home), "Bucket", "DNS")
    assert found.exit_code == ExitCode.UNREACHABLE
    assert "nowhere.invalid cannot be resolved" in found.detail


def test_something_that_never_answers_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(UnreachableError, match="took longer than"):
        bounded(never.wait, seconds=0.05, what="waiting")
    never.set()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "bbbb")


def grudging(httpserver: HTTPServer, allowed: Callable[[Request], bool]) -> Home:
    """A home whose S3 server stores one object, and allows what `allowed` says."""
    stored: list[bytes] = []

    def answer(request: Request) -> Response:
        signed = bool(request.headers.get("Authorization"))
        if request.path == "/" or not signed or not allowed(request):
            return Response(DENIED, status=403, content_type="application/xml")
        if request.method == "PUT":
            stored[:] = [request.get_data()]
            return Response("", headers={"ETag": '"1"'})
        if request.method == "POST" or request.args:
            body = CREATED if request.method == "POST" else LISTED
            return Response(body, content_type="application/xml")
        headers = {"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        return Response(stored[0], headers=headers)

    httpserver.expect_request("/").respond_with_handler(answer)
    httpserver.expect_request(re.compile("/memories.*")).respond_with_handler(answer)
    home = Home(Paths.from_environment(os.environ))
    make_databases(home.paths.data, conversations=1)
    home.configure(
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint=httpserver.url_for("").rstrip("/"),
        akosha_system_id="laptop",
        akosha_enable_fallback=False,
    )
    return home


@pytest.mark.parametrize(
    ("name", "refused", "without"),
    [
        ("get", lambda request: request.method == "GET" and not request.args, "restore"),
        ("list (", lambda request: "list-type" in request.args, "ls, restore latest"),
        ("abort", lambda r: r.method == "DELETE" and "uploadId" in r.args, "abandoned uploads"),
        ("list parts", lambda r: r.method == "GET" and "uploadId" in r.args, "continued"),
    ],
)
def test_a_permission_that_is_missing_is_a_warning_naming_what_will_not_work(
    httpserver: HTTPServer,
    keys: None,
    name: str,
    refused: Callable[[Request], bool],
    without: str,
) -> None:
    found = examine(grudging(httpserver, lambda request: not refused(request)))
    assert not bad(found)
    assert only(found, "Bucket", name).state == "warning"
    assert without in only(found, "Bucket", name).detail


@pytest.mark.parametrize(("keep", "state"), [(0, "ok"), (3, "warning")])
def test_a_refused_deletion_matters_only_where_uploads_are_pruned(
    httpserver: HTTPServer, keys: None, keep: int, state: str
) -> None:
    refused = "DELETE"
    home = grudging(httpserver, lambda r: r.method != refused or "uploadId" in r.args)
    home.configure(akosha_keep_last=keep)
    assert only(examine(home), "Bucket", "delete").state == state


def test_without_the_permission_to_put_nothing_more_is_asked(
    httpserver: HTTPServer, keys: None
) -> None:
    found = examine(grudging(httpserver, lambda request: request.method != "PUT"))
    assert only(found, "Bucket", "put").exit_code == ExitCode.CREDENTIALS
    assert not [each for each in found if each.name.startswith("get")]


def test_a_bucket_that_strangers_can_list(httpserver: HTTPServer) -> None:
    home = Home(Paths.from_environment(os.environ))
    httpserver.expect_request("/memories").respond_with_data("<ListBucketResult/>")
    home.configure(
        akosha_cloud_bucket="memories", akosha_cloud_endpoint=httpserver.url_for("").rstrip("/")
    )
    assert only(examine(home), "Security", "strangers").state == "problem"


def test_a_bucket_whose_objects_strangers_can_read(at_home: Home, httpserver: HTTPServer) -> None:
    """Public objects in a bucket that nobody may list: an upload's name is easy to guess."""
    assert at_home.akosha_hook("sync").returncode == 0
    (paper,) = at_home.receipts()
    key = paper.files[0].key
    assert only(examine(at_home), "Security", "strangers").state == "ok"
    assert at_home.bucket is not None
    httpserver.expect_request(f"/{at_home.bucket.name}/{key}").respond_with_data("memories")
    at_home.configure(akosha_cloud_endpoint=httpserver.url_for("").rstrip("/"))
    found = only(examine(at_home), "Security", "strangers")
    assert (found.state, found.fix) == ("problem", "block public access to the bucket")
    assert "read what is stored" in found.detail


@contextmanager
def telling(date: str) -> Iterator[str]:
    """The URL of a server whose clock says `date`."""

    class Handler(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return date

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


@pytest.mark.parametrize(
    ("date", "state"),
    [("Thu, 01 Jan 2015 00:00:00 GMT", "problem"), ("yesterday", "ok")],
)
def test_a_clock_that_is_off(at_home: Home, date: str, state: str) -> None:
    with telling(date) as url:
        at_home.configure(akosha_cloud_endpoint=url)
        assert only(examine(at_home), "Bucket", "clock").state == state


def test_akosha_down_is_a_warning_beside_a_bucket_and_a_problem_without(at_home: Home) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    at_home.configure(akosha_enable_fallback=True, akosha_http_url=url)
    assert only(examine(at_home), "Akosha", "server").state == "warning"
    at_home.configure(akosha_force_method="http")
    found = only(examine(at_home), "Akosha", "server")
    assert (found.state, found.exit_code) == ("problem", ExitCode.UNREACHABLE)


@pytest.fixture
def installed(at_home: Home) -> Home:
    assert at_home.akosha_hook("install").returncode == 0
    return at_home


def test_installed_hooks_run(installed: Home) -> None:
    found = examine(installed)
    for name in ("claude-user", "script", "interpreter"):
        assert only(found, "Hooks", name).state == "ok"
    assert not installed.events()


def test_an_interpreter_that_is_gone(installed: Home) -> None:
    installed.paths.interpreter.write_text("/nowhere/python3\n")
    found = only(examine(installed), "Hooks", "interpreter")
    assert found.state == "problem"
    assert "/nowhere/python3" in found.detail
    assert found.fix == "akosha-hook install"


def test_an_interpreter_without_the_package(installed: Home, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho \"No module named 'akosha_hook'\" >&2\nexit 1\n")
    bare.chmod(0o755)
    installed.paths.interpreter.write_text(f"{bare}\n")
    found = only(examine(installed), "Hooks", "interpreter")
    assert found.state == "problem"
    assert "No module named 'akosha_hook'" in found.detail


@pytest.mark.parametrize(
    ("content", "state", "said"),
    [("#!/bin/sh\nexit 0\n", "warning", "is not the one"), (None, "problem", "is missing")],
)
def test_a_script_that_is_not_ours(
    installed: Home, content: str | None, state: str, said: str
) -> None:
    if content is None:
        installed.paths.hook_script.unlink()
    else:
        installed.paths.hook_script.write_text(content)
    found = only(examine(installed), "Hooks", "script")
    assert (found.state, found.fix) == (state, "akosha-hook install")
    assert said in found.detail


def test_hooks_switched_off_in_claude_code(installed: Home) -> None:
    text = installed.paths.claude_settings.read_text()
    installed.paths.claude_settings.write_text(
        text.replace("{", '{\n  "disableAllHooks": true,', 1)
    )
    assert "disableAllHooks" in only(examine(installed), "Hooks", "claude-user").fix


def test_state_that_others_could_read_is_tightened_and_told(paths: Paths) -> None:
    files.private_directory(paths.receipts)
    loose = paths.receipts / "a.json"
    loose.touch(mode=0o644)
    paths.state.chmod(0o755)
    findings = list(modes(files.tighten(paths.state)))
    assert {each.detail.split(" was ")[1][:4] for each in findings} == {"0644", "0755"}
    assert stat.S_IMODE(loose.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o700
    assert not files.tighten(paths.state)


def test_after_install_and_an_upload_there_is_nothing_to_tighten(installed: Home) -> None:
    assert installed.akosha_hook("sync").returncode == 0
    assert not files.tighten(installed.paths.state)


@pytest.mark.parametrize("content", [b"not a database at all", b""])
def test_a_database_that_is_none(at_home: Home, content: bytes) -> None:
    (at_home.paths.data / "reflection.duckdb").write_bytes(content)
    found = [each for each in examine(at_home) if each.name == "reflection.duckdb"]
    assert found[-1].state == "problem"
    assert "restore" in found[-1].fix


def test_no_database(at_home: Home) -> None:
    for each in at_home.paths.data.iterdir():
        each.unlink()
    found = only(examine(at_home), "Databases", "files")
    assert found.state == "problem"
    assert "akosha_data_dir" in found.fix


def test_keys_in_a_settings_file(at_home: Home) -> None:
    with at_home.paths.settings_yaml.open("a") as file:
        file.write("aws_secret_access_key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCD'\n")
    found = only(examine(at_home), "Security", "keys in files")
    assert found.state == "problem"
    assert "session-buddy.yaml" in found.detail
    assert "abcdefghij" not in f"{found}"


def test_settings_that_cannot_be_used(at_home: Home) -> None:
    at_home.configure(akosha_force_method="ftp")
    found = only(examine(at_home), "Settings", "value")
    assert (found.state, found.exit_code) == ("problem", ExitCode.SETTINGS)
    assert "akosha_force_method" in found.detail


def test_no_hook_anywhere(at_home: Home) -> None:
    assert only(examine(at_home), "Hooks", "installed").fix == "akosha-hook install"


def test_a_file_that_was_set_aside(at_home: Home) -> None:
    files.private_directory(at_home.paths.state)
    (at_home.paths.state / "backoff.json.corrupt").touch(mode=0o600)
    found = only(examine(at_home), "State", "corrupt file")
    assert found.state == "warning"
    assert found.fix.startswith("rm ")


def test_a_receipt_nobody_can_read(at_home: Home) -> None:
    files.private_directory(at_home.paths.receipts)
    (at_home.paths.receipts / "20260101_000000_laptop.json").write_text("{")
    assert only(examine(at_home), "State", "corrupt file").state == "warning"


def test_a_file_where_the_outbox_should_be(at_home: Home) -> None:
    files.private_directory(at_home.paths.state)
    at_home.paths.outbox.touch(mode=0o600)
    found = only(examine(at_home), "State", "directory")
    assert found.state == "problem"
    assert "outbox has to be a directory" in found.detail


def test_with_settings_in_doubt_no_server_is_asked(at_home: Home) -> None:
    at_home.configure(akosha_cloud_bucket="Not A Bucket")
    found = examine(at_home)
    assert only(found, "Settings", "destination").exit_code == ExitCode.SETTINGS
    assert not [each for each in found if each.area in {"Bucket", "Akosha"}]


def test_doctor_does_not_advise_to_run_doctor(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "whatever")
    fix = only(examine(at_home), "Bucket", "put").fix
    assert fix.startswith("Check AWS_ACCESS_KEY_ID")
    assert "doctor" not in fix


def test_copies_of_a_run_that_was_killed_are_removed(at_home: Home) -> None:
    files.private_directory(at_home.paths.state)
    old, running = (at_home.paths.state / name for name in (".doctor-old", ".doctor-running"))
    for each in (old, running):
        each.mkdir(mode=0o700)
    os.utime(old, (0, 0))
    examine(at_home)
    assert not old.exists()
    assert running.exists()
