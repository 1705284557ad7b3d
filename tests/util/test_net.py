"""Which hosts are addresses, and which are this machine."""

from __future__ import annotations

import pytest

from akosha_hook.util.net import is_ip, is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1", "10.0.0.1"])
def test_addresses(host: str) -> None:
    assert is_ip(host)


@pytest.mark.parametrize("host", ["", "localhost", "[::1]", "fe80::1%eth0", "1.2.3", "example.com"])
def test_what_is_no_address(host: str) -> None:
    assert not is_ip(host)


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example.com", "10.0.0.1", "::1%lo", "0.0.0.0"])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)
