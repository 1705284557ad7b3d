from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
import urllib3
from urllib3.exceptions import SSLError

from akosha_hook.errors import SettingsError
from akosha_hook.util.http import pool, tls_context
from tests.support.proxy import forward_proxy
from tests.support.tls import https_server, write_ca

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_httpserver import HTTPServer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> Path:
    return write_ca(authority, tmp_path / "ca.pem")


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[HTTPServer]:
    with https_server(authority, "localhost", "127.0.0.1", "memories.test") as running:
        yield running


def fetch(url: str, ca_file: str = "", environ: Mapping[str, str] | None = None) -> str:
    client = pool(ca_file, environ or {}, url=url, connect_seconds=5, read_seconds=5)
    return client.request("GET", url).data.decode()


def test_a_server_of_an_unknown_authority_is_not_talked_to(server: HTTPServer) -> None:
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(f"https://127.0.0.1:{server.port}/")


def test_the_ca_file_setting_adds_an_authority(server: HTTPServer, ca: Path) -> None:
    assert fetch(f"https://127.0.0.1:{server.port}/", str(ca)) == "ok"


def test_a_tilde_in_the_ca_file_setting_is_the_home(server: HTTPServer, ca: Path) -> None:
    assert (
        fetch(f"https://127.0.0.1:{server.port}/", f"~/{ca.name}", {"HOME": str(ca.parent)}) == "ok"
    )


def test_the_ca_file_setting_keeps_the_usual_authorities(ca: Path) -> None:
    bundle = write_ca(trustme.CA(), ca.parent / "usual.pem")
    usual = {"SSL_CERT_FILE": str(bundle)}
    both = tls_context(str(ca), usual)
    assert both.cert_store_stats()["x509_ca"] == 2


def test_another_authority_does_not_help(server: HTTPServer, tmp_path: Path) -> None:
    wrong = write_ca(trustme.CA(), tmp_path / "wrong.pem")
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(f"https://127.0.0.1:{server.port}/", str(wrong))


def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, ca: Path) -> None:
    with (
        https_server(authority, "elsewhere.test") as server,
        pytest.raises(SSLError, match=r"mismatch|doesn't match|not valid"),
    ):
        fetch(f"https://127.0.0.1:{server.port}/", str(ca))


def test_ssl_cert_file_is_honoured(server: HTTPServer, ca: Path) -> None:
    assert fetch(f"https://127.0.0.1:{server.port}/", environ={"SSL_CERT_FILE": str(ca)}) == "ok"


def test_ssl_cert_file_replaces_the_usual_authorities(ca: Path) -> None:
    context = tls_context("", {"SSL_CERT_FILE": str(ca)})
    assert context.cert_store_stats()["x509_ca"] == 1


def test_the_process_environment_alone_does_not_change_the_authorities(
    server: HTTPServer, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a repository put into the environment was dropped from the mapping, and only there."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(f"https://127.0.0.1:{server.port}/", environ={})


def test_ssl_cert_dir_is_honoured(tmp_path: Path) -> None:
    authority = trustme.CA(organization_name="akosha-hook tests", organization_unit_name="hashed")
    directory = tmp_path / "certs"
    directory.mkdir()
    # `openssl x509 -subject_hash` of that subject: the name OpenSSL looks the certificate up under.
    write_ca(authority, directory / "52bc641b.0")
    environ = {"SSL_CERT_DIR": f"{tmp_path / 'missing'}:{directory}"}
    with https_server(authority, "127.0.0.1") as server:
        assert fetch(f"https://127.0.0.1:{server.port}/", environ=environ) == "ok"


def test_a_missing_ca_file_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(SettingsError, match=r"no CA file .*missing\.pem .*akosha_ca_file"):
        tls_context(str(missing), {})
    with pytest.raises(SettingsError, match=r"no CA file .*missing\.pem .*SSL_CERT_FILE"):
        tls_context("", {"SSL_CERT_FILE": str(missing)})
    with pytest.raises(SettingsError, match="SSL_CERT_DIR"):
        tls_context("", {"SSL_CERT_DIR": str(missing)})


def test_a_ca_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ca.pem")
    with pytest.raises(SettingsError, match=r"ca\.pem"):
        tls_context(str(tmp_path / "ca.pem"), {})


@pytest.mark.parametrize(
    "content", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nx\n"]
)
def test_a_ca_file_without_certificates_is_named(tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_bytes(content)
    with pytest.raises(SettingsError, match=r"bad\.pem .*akosha_ca_file.* no PEM certificate"):
        tls_context(str(bad), {})


def test_tls_older_than_1_2_is_refused() -> None:
    assert tls_context("", {}).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_redirect_is_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/old").respond_with_data(
        status=307, headers={"Location": httpserver.url_for("/new")}
    )
    client = pool("", {}, url=httpserver.url_for("/old"))
    assert client.request("GET", httpserver.url_for("/old")).status == 307
    assert [request.path for request, _ in httpserver.log] == ["/old"]


def test_a_failure_is_not_retried(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(status=503)
    client = pool("", {}, url=httpserver.url_for("/"))
    assert client.request("GET", httpserver.url_for("/")).status == 503
    assert len(httpserver.log) == 1


def test_timeouts_and_size_are_ours() -> None:
    client = pool("", {}, url="https://memories.test", connect_seconds=3, read_seconds=7, size=5)
    timeout = client.connection_pool_kw["timeout"]
    assert (timeout.connect_timeout, timeout.read_timeout) == (3, 7)
    assert client.connection_pool_kw["maxsize"] == 5


def test_https_goes_through_the_proxy_still_verified(server: HTTPServer, ca: Path) -> None:
    with forward_proxy({"memories.test": server.port}) as proxy:
        environ = {"HTTPS_PROXY": proxy.url}
        assert fetch("https://memories.test/", str(ca), environ) == "ok"
        with pytest.raises(SSLError):
            fetch("https://memories.test/", "", environ)
    assert [(each.method, each.target) for each in proxy.asked] == [
        ("CONNECT", "memories.test:443"),
        ("CONNECT", "memories.test:443"),
    ]


def test_http_goes_through_the_proxy(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("plain")
    with forward_proxy({"memories.test": httpserver.port}) as proxy:
        assert fetch("http://memories.test/", environ={"http_proxy": proxy.url}) == "plain"
    assert [(each.method, each.target) for each in proxy.asked] == [
        ("GET", "http://memories.test/")
    ]


def test_a_proxy_password_is_sent_and_never_logged(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/").respond_with_data("plain")
    with (
        caplog.at_level(logging.DEBUG),
        forward_proxy({"memories.test": httpserver.port}) as proxy,
    ):
        address = proxy.url.replace("http://", "http://ana:p%40ss-canary@")
        assert fetch("http://memories.test/", environ={"ALL_PROXY": address}) == "plain"
    expected = urllib3.make_headers(proxy_basic_auth="ana:p@ss-canary")["proxy-authorization"]
    assert proxy.asked[0].headers["proxy-authorization"] == expected
    assert "canary" not in caplog.text
    request, _ = httpserver.log[0]
    assert "Proxy-Authorization" not in request.headers


def test_no_proxy_is_honoured(server: HTTPServer, ca: Path) -> None:
    """The name does not exist, so only the proxy could have reached it."""
    with forward_proxy({"memories.test": server.port}) as proxy:
        environ = {"https_proxy": proxy.url, "no_proxy": "memories.test"}
        with pytest.raises(urllib3.exceptions.HTTPError):
            fetch("https://memories.test/", str(ca), environ)
    assert proxy.asked == []


def test_this_machine_is_never_reached_through_a_proxy(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("direct")
    with forward_proxy({}) as proxy:
        assert fetch(httpserver.url_for("/"), environ={"HTTP_PROXY": proxy.url}) == "direct"
    assert proxy.asked == []


def test_a_pool_for_http_still_verifies_https(server: HTTPServer) -> None:
    client = pool("", {}, url="http://127.0.0.1")
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        client.request("GET", f"https://127.0.0.1:{server.port}/")


@pytest.mark.parametrize(
    ("variable", "value"), [("SSL_CERT_FILE", "ca.pem"), ("SSL_CERT_DIR", "/etc/ssl/certs:theirs")]
)
def test_a_relative_path_to_authorities_is_refused(
    tmp_path: Path, ca: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """It would be another file in each directory, and one of them is somebody's clone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_bytes(ca.read_bytes())
    (tmp_path / "theirs").mkdir()
    with pytest.raises(SettingsError, match=f"{variable} names .* in each directory") as caught:
        tls_context("", {variable: value})
    assert caught.value.hint == f"Set {variable} to a full path, or unset it."
