"""The S3 servers that the demo, the tests and the benches run."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import urllib3

from akosha_hook.demo.s3_server import PORTS, available, free_ports, s3_server
from akosha_hook.errors import AkoshaHookError


@pytest.mark.parametrize("name", available())
def test_a_server_answers_inside_the_block_and_is_gone_after_it(tmp_path: Path, name: str) -> None:
    with s3_server(tmp_path, name) as server:
        assert server.name == name
        assert urllib3.request("GET", server.endpoint, retries=False).status < 500
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", server.endpoint, retries=False)
    assert server.log.exists()


def test_a_server_that_is_not_installed_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(AkoshaHookError) as caught, s3_server(tmp_path, "minio"):
        pass
    assert "akosha-hook[demo]" in caught.value.hint


def test_a_port_that_is_taken_is_an_error_that_names_the_log(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AkoshaHookError) as caught, s3_server(tmp_path, "rclone", port=port):
            pass
    assert str(tmp_path / "server.log") in caught.value.hint


def test_free_ports_are_different_and_never_assigned_by_the_system() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert set(ports) <= set(PORTS)
