"""Memories go through a company's proxy, encrypted and verified end to end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from akosha_hook.errors import DeliveryError
from tests.support.contract import PROXIED_HOST, place_on
from tests.support.proxy import forward_proxy

if TYPE_CHECKING:
    from akosha_hook.demo.s3_server import S3Server
    from akosha_hook.paths import Paths


def test_an_upload_goes_through_the_proxy(
    rclone_tls: S3Server, ca_file: Path, paths: Paths
) -> None:
    port = urlsplit(rclone_tls.endpoint).port
    assert port is not None
    endpoint = f"https://{PROXIED_HOST}:{port}"
    place = place_on(rclone_tls, ca_file=ca_file)
    with forward_proxy({PROXIED_HOST: port}) as proxy:
        environ = {**place.environ, "HTTPS_PROXY": proxy.url}
        bucket = replace(place, environ=environ).open(paths, akosha_cloud_endpoint=endpoint)
        bucket.put("key", b"memories", {})
        assert bucket.get_range("key", 0, 100) == b"memories"
    assert {(each.method, each.target) for each in proxy.asked} == {
        ("CONNECT", f"{PROXIED_HOST}:{port}")
    }


def test_an_unknown_authority_is_refused_with_what_to_set(
    rclone_tls: S3Server, ca_file: Path, paths: Paths
) -> None:
    place = place_on(rclone_tls, ca_file=ca_file)
    with pytest.raises(DeliveryError) as caught:
        place.open(paths, akosha_ca_file="").put("key", b"memories", {})
    assert "akosha_ca_file" in caught.value.hint
    assert not caught.value.retryable
