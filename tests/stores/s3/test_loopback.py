"""While the user's own server on this machine is stopped, nobody else's gets the memories."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook import settings
from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.stores.providers import provider_for
from akosha_hook.stores.s3 import loopback
from akosha_hook.util import listeners
from akosha_hook.util.listeners import CannotTellError, Listener
from tests.support.duck import make_databases
from tests.support.home import Home, pin
from tests.support.other_user import attacker, needs_another_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.paths import Paths

PORT = 9000
ME, SERVICE, SOMEBODY = 1000, 999, 1001
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


@pytest.fixture
def mine(paths: Paths) -> Home:
    make_databases(paths.data, conversations=5)
    return Home(paths)


def configure(home: Home, port: int, **more: object) -> None:
    home.configure(
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint=f"http://localhost:{port}",
        akosha_max_retries=0,
        akosha_enable_fallback=False,
        **more,
    )
    pin(home.paths)


KEYS = {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "secret-of-mine"}


@linux_only
@needs_another_user
def test_another_users_listener_in_place_of_the_bucket_gets_nothing(mine: Home) -> None:
    with attacker() as other:
        configure(mine, other.port)
        done = mine.akosha_hook("sync", **KEYS)
        assert other.heard() == b""
    assert done.returncode != 0
    assert "belongs to another user of this machine (uid 12345)" in done.stderr
    assert "akosha_allow_insecure_endpoint" in done.stderr
    assert "belongs to another user" in mine.akosha_hook("status").stdout


@linux_only
@needs_another_user
def test_a_listener_that_the_user_trusts_is_asked(mine: Home) -> None:
    with attacker() as other:
        configure(mine, other.port, akosha_allow_insecure_endpoint=True)
        mine.akosha_hook("sync", **KEYS)
        assert b"memories" in other.heard()


def guard(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, *looks: list[Listener]
) -> Callable[[str], None]:
    """The guard after the first of the `looks` at who listens."""
    left = list(looks)
    monkeypatch.setattr(listeners, "listeners", lambda: left.pop(0))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: ME)
    environ = {"SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": f"http://127.0.0.1:{PORT}"}
    loaded = settings.load({**os.environ, **environ}, paths).settings
    made = loopback.guard_for(provider_for(loaded), loaded, subject="Cloud sync failed")
    assert made is not None
    return made(["127.0.0.1"], PORT)


def by(uid: int, socket_: str = "1") -> Listener:
    return Listener(uid, socket_, ipaddress.ip_address("127.0.0.1"), PORT)


@pytest.mark.parametrize("uid", [0, SERVICE, ME])
def test_a_server_of_the_user_or_of_the_system_is_asked(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    guard(paths, monkeypatch, [by(uid)], [by(uid)])("127.0.0.1")


def test_one_that_takes_its_place_before_the_connection_stands_gets_nothing(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = guard(paths, monkeypatch, [by(ME)], [by(SOMEBODY, "2")])
    with pytest.raises(DeliveryError) as caught:
        confirm("127.0.0.1")
    assert caught.value.kind is Kind.DENIED


@pytest.mark.parametrize(
    ("before", "after"),
    [([], [by(ME)]), ([by(ME)], []), ([by(ME, "1")], [by(ME, "2")])],
    ids=["came", "left", "changed"],
)
def test_a_listener_that_was_not_there_all_the_time_is_not_believed(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, before: list[Listener], after: list[Listener]
) -> None:
    confirm = guard(paths, monkeypatch, before, after)
    with pytest.raises(ConnectionRefusedError):
        confirm("127.0.0.1")


@pytest.mark.parametrize("ends_here", [False, True])
def test_a_connection_that_the_system_passes_on_is_used(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, *, ends_here: bool
) -> None:
    """Docker's rules lead a port into a container: nobody listens here, and no end of it is here."""
    monkeypatch.setattr(listeners, "is_end_of_a_connection", lambda *_: ends_here)
    confirm = guard(paths, monkeypatch, [], [])
    if not ends_here:
        confirm("127.0.0.1")
        return
    # One that listened for a moment only.
    with pytest.raises(ConnectionRefusedError):
        confirm("127.0.0.1")


def test_where_listeners_cannot_be_seen_a_server_is_asked_as_ever(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot() -> list[Listener]:
        raise CannotTellError("no /proc")

    confirm = guard(paths, monkeypatch, [])
    monkeypatch.setattr(listeners, "listeners", cannot)
    confirm("127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLOUD_ENDPOINT", "https://localhost:9000"),
        ("CLOUD_ENDPOINT", ""),
        ("ALLOW_INSECURE_ENDPOINT", "true"),
    ],
)
def test_where_a_certificate_or_the_user_vouches_nobody_is_looked_for(
    paths: Paths, name: str, value: str
) -> None:
    environ = {
        "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": "http://localhost:9000",
        f"SESSION_BUDDY_AKOSHA_{name}": value,
    }
    loaded = settings.load({**os.environ, **environ}, paths).settings
    assert loopback.guard_for(provider_for(loaded), loaded, subject="") is None


def test_other_machines_are_no_business_of_it(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard(paths, monkeypatch, [])("192.0.2.1")
