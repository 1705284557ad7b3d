"""What a host in a URL is, without asking a name server."""

from __future__ import annotations

import ipaddress


def is_ip(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 address, without brackets and without a zone."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, whatever a name server says."""
    return host.lower() == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)
