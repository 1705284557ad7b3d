from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import CredentialsError
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import resolve
from tests.support.credentials import ACCESS, SECRET, TOKEN, everything_said, revealed, write

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

ON = Settings(akosha_use_instance_role=True)
ANSWER = {
    "Code": "Success",
    "AccessKeyId": ACCESS,
    "SecretAccessKey": SECRET,
    "Token": TOKEN,
    "Expiration": "2999-01-01T00:00:00Z",
}
METADATA = "AWS_EC2_METADATA_SERVICE_ENDPOINT"


def serve_instance(server: HTTPServer) -> None:
    server.expect_request("/latest/api/token", method="PUT").respond_with_data("imds-token")
    path = "/latest/meta-data/iam/security-credentials/"
    asked = {"X-aws-ec2-metadata-token": "imds-token"}
    server.expect_request(path, headers=asked).respond_with_data("backup-role")
    server.expect_request(f"{path}backup-role", headers=asked).respond_with_json(ANSWER)


def test_the_instance_role_is_used_when_opted_in(
    home: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_instance(httpserver)
    monkeypatch.setenv(METADATA, httpserver.url_for("/"))
    # A proxy must not see, or answer, a request for keys.
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    credentials = resolve(ON, os.environ, home=home)
    assert revealed(credentials) == (ACCESS, SECRET, TOKEN)
    assert credentials.source == "instance role"
    assert credentials.expires_at == datetime(2999, 1, 1, tzinfo=UTC)


def test_the_container_role_is_used_when_opted_in(
    home: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/role", headers={"Authorization": "ecs"}).respond_with_json(ANSWER)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", httpserver.url_for("/role"))
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "ecs")
    assert resolve(ON, os.environ, home=home).source == "container role"


def test_without_opt_in_nothing_is_dialled(
    home: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_instance(httpserver)
    monkeypatch.setenv(METADATA, httpserver.url_for("/"))
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", httpserver.url_for("/role"))
    dialled: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: dialled.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: dialled.append(arguments))
    with pytest.raises(CredentialsError, match="akosha_use_instance_role is off"):
        resolve(Settings(), os.environ, home=home)
    assert dialled == []
    assert httpserver.log == []


def test_keys_elsewhere_keep_the_role_from_being_asked(
    home: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(METADATA, httpserver.url_for("/"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    assert resolve(ON, os.environ, home=home).source == "environment"
    assert httpserver.log == []


@pytest.mark.parametrize(
    "answer",
    [
        {"Code": "Failed", "Message": SECRET},
        {**ANSWER, "Expiration": f"never-{SECRET}"},
        {"AccessKeyId": ACCESS},
        [SECRET],
        SECRET,
    ],
)
def test_a_service_that_answers_nonsense_is_told_without_the_answer(
    home: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    httpserver.expect_request("/role").respond_with_json(answer)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", httpserver.url_for("/role"))
    with pytest.raises(CredentialsError, match="no metadata service gave any keys") as caught:
        resolve(ON, os.environ, home=home)
    assert "canary" not in everything_said(caught.value)


def test_no_service_is_an_error_that_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(METADATA, "http://127.0.0.1:1")
    with pytest.raises(CredentialsError, match="no metadata service") as caught:
        resolve(ON, os.environ, home=home)
    assert "akosha_use_instance_role false" in caught.value.hint


def test_a_web_identity_token_is_in_no_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It travels in the URL, which errors of HTTP libraries like to quote."""
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(write(tmp_path / "jwt", TOKEN)))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(CredentialsError) as caught:
        resolve(ON, os.environ, home=home)
    assert TOKEN not in everything_said(caught.value)


def test_a_variable_that_was_dropped_as_untrusted_is_not_followed(
    home: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", httpserver.url_for("/role"))
    trusted = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_CONTAINER")
    }
    with pytest.raises(CredentialsError, match="AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        resolve(ON, trusted, home=home)
    assert httpserver.log == []
