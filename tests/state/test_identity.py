"""What this machine is called in the bucket, and the rising number of its uploads."""

from __future__ import annotations

import datetime as dt
import socket
import time

import msgspec
import pytest

from akosha_hook import settings as layers
from akosha_hook.paths import Paths
from akosha_hook.settings import Settings
from akosha_hook.state import identity
from akosha_hook.state.receipts import Receipts
from tests.support.home import Home
from tests.support.state_documents import (
    TARGET,
    fill,
    whole_receipt,
)


@pytest.fixture
def at_home(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(akosha_cloud_bucket="memories", akosha_cloud_endpoint=TARGET.endpoint)
    return home


def test_a_machine_whose_name_is_a_path_is_forgotten(at_home: Home) -> None:
    """It becomes part of file names and of keys."""
    fill(at_home.paths, "machine.json", b'{"system_id": "../../x", "machine_id": "m"}')
    me = identity.load(at_home.paths, layers.load({}, at_home.paths).settings)
    assert me.system_id == "laptop"  # from the receipts
    assert at_home.paths.machine.with_name("machine.json.corrupt").exists()


def test_a_name_is_made_up_once_and_remembered(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "My Laptop.local")
    assert identity.peek(paths, Settings()) == "My-Laptop-local"
    assert not paths.machine.exists()
    me = identity.load(paths, Settings())
    assert me.system_id == "My-Laptop-local"
    monkeypatch.setattr(socket, "gethostname", lambda: "another-network")
    assert identity.load(paths, Settings()) == me
    assert identity.peek(paths, Settings()) == me.system_id


def test_the_setting_names_the_system_and_changes_nothing_that_is_remembered(paths: Paths) -> None:
    me = identity.load(paths, Settings())
    named = identity.load(paths, Settings(akosha_system_id="work"))
    assert (named.system_id, named.machine_id) == ("work", me.machine_id)
    assert identity.peek(paths, Settings(akosha_system_id="work")) == "work"
    assert identity.load(paths, Settings()) == me


def test_numbers_rise_even_when_the_clock_is_set_back(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_795_000_000.0)
    assert identity.next_sequence(paths, Settings()) == 1_795_000_000
    assert identity.next_sequence(paths, Settings()) == 1_795_000_001
    monkeypatch.setattr(time, "time", lambda: 1_000_000_000.0)
    assert identity.next_sequence(paths, Settings()) == 1_795_000_002
    assert identity.load(paths, Settings()).sequence == 1_795_000_002


def test_a_machine_that_lost_its_file_carries_on_above_its_receipts(paths: Paths) -> None:
    far_ahead = msgspec.structs.replace(whole_receipt(), sequence=10**12)
    Receipts(paths).save(far_ahead)
    me = identity.load(paths, Settings())
    assert (me.system_id, me.machine_id) == (far_ahead.system_id, far_ahead.machine_id)
    assert identity.next_sequence(paths, Settings()) == 10**12 + 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("laptop", "laptop"),
        ("  ä laptop.local ", "laptop-local"),
        ("../../x", "x"),
        ("猫", "unnamed-system"),
        ("a" * 200, "a" * 80),
    ],
)
def test_any_name_becomes_one_that_can_stand_in_a_key(name: str, expected: str) -> None:
    assert identity.as_system_id(name) == expected


def test_an_altered_number_is_not_believed(at_home: Home) -> None:
    """A flipped bit may leave a number that is far too high, or an id that is another machine's."""
    values = layers.load({}, at_home.paths).settings
    me = identity.load(at_home.paths, values)
    Receipts(at_home.paths).save(
        msgspec.structs.replace(whole_receipt(), machine_id=me.machine_id, sequence=7)
    )
    document = at_home.paths.machine.read_bytes()
    at_home.paths.machine.write_bytes(document.replace(b'"sequence": 0', b'"sequence": 8'))
    assert identity.load(at_home.paths, values).sequence == 7
    assert identity.load(at_home.paths, values).machine_id == me.machine_id
    assert at_home.paths.machine.with_name("machine.json.corrupt").exists()


@pytest.mark.parametrize(
    ("reason", "days", "lately"),
    [
        (identity.SHARED, 29, True),
        (identity.SHARED, 31, False),
        (identity.COPIED, 1, False),
        ("", 0, False),
    ],
)
def test_a_new_id_for_a_copy_is_remembered_for_a_month(
    reason: str, days: int, lately: bool
) -> None:
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    me = identity.Identity(
        system_id="laptop", machine_id="m", renewed=since.isoformat(), renewed_because=reason
    )
    assert identity.was_shared_lately(me) is lately
    assert not identity.was_shared_lately(msgspec.structs.replace(me, renewed="no time"))
