"""A receipt is read if it is as we write it, and set aside if it could lead astray."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from tests.support.home import Home
from tests.support.state_documents import (
    KEY,
    TARGET,
    UPLOAD,
    changed,
    fill,
    whole_receipt,
)


@pytest.fixture
def at_home(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(akosha_cloud_bucket="memories", akosha_cloud_endpoint=TARGET.endpoint)
    return home


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("upload_id",), "../../victim"),
        (("snapshot",), "../../data"),
        (("snapshot",), ".."),
        (("started",), "yesterday"),
        (("finished",), "0001-01-01T00:00:00+23:59"),
        (("sequence",), 10**30),
        (("duration_seconds",), 1e300),
        (("files", 0, "key"), "elsewhere"),
        (("files", 0, "name"), "../../victim"),
        (("files", 0, "stored_at"), 10**30),
        (("files", 0, "delta", "base_key"), "systems/x"),
        (("partial", KEY, "key"), "elsewhere"),
        (("partial", KEY, "parts", "1", "md5"), "no"),
    ],
    ids=lambda value: "/".join(map(str, value)) if isinstance(value, tuple) else str(value)[:12],
)
def test_a_receipt_that_could_lead_astray_is_set_aside(
    at_home: Home, where: tuple[Any, ...], value: object
) -> None:
    name = f"receipts/{UPLOAD}.json"
    fill(at_home.paths, name, json.dumps(changed(name, where, value)).encode())
    assert list(Receipts(at_home.paths).newest_first()) == []
    assert (at_home.paths.state / f"{name}.corrupt").exists()


def test_a_receipt_as_we_write_it_is_read(at_home: Home) -> None:
    fill(at_home.paths, "", b"")
    assert list(Receipts(at_home.paths).newest_first()) == [whole_receipt()]
