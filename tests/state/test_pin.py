"""A pin that cannot be believed fits nothing, and never passes for one that was not made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from akosha_hook.paths import Paths
from akosha_hook.state import host, pin
from akosha_hook.state.pin import Pin, Unusable

MINE = Pin(endpoint="https://s3.example", bucket="mine", data_directory="/data")


def test_what_is_written_is_read(paths: Paths) -> None:
    assert pin.read(paths) is None
    pin.write(paths, MINE, by="install")
    found = pin.read(paths)
    assert isinstance(found, Pin)
    assert (found.bucket, found.endpoint, found.by) == ("mine", "https://s3.example", "install")
    assert found.at
    assert paths.pin.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"bucket": 1}'])
def test_a_corrupt_one_is_set_aside_and_stays_unusable(paths: Paths, content: bytes) -> None:
    pin.write(paths, MINE, by="install")
    paths.pin.write_bytes(content)
    assert isinstance(pin.look(paths), Unusable)
    assert paths.pin.exists()
    for _ in range(2):
        assert isinstance(pin.read(paths), Unusable)
        assert not paths.pin.exists()
    assert paths.pin.with_name("pin.json.corrupt").read_bytes() == content
    pin.write(paths, MINE, by="sync")
    assert isinstance(pin.read(paths), Pin)


def test_a_flipped_bit_makes_it_unusable(paths: Paths) -> None:
    pin.write(paths, MINE, by="install")
    paths.pin.write_bytes(paths.pin.read_bytes().replace(b'"mine"', b'"nine"'))
    assert isinstance(pin.read(paths), Unusable)


@pytest.mark.parametrize("what", ["directory", "dangling link"])
def test_what_is_no_file_is_unusable(paths: Paths, what: str) -> None:
    paths.state.mkdir(parents=True)
    if what == "directory":
        paths.pin.mkdir()
    else:
        paths.pin.symlink_to(paths.state / "nowhere")
    assert isinstance(pin.look(paths), Unusable)


def test_one_that_came_with_a_clone_is_unusable(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But the account's own directory may have been copied from an older machine."""
    machine_id = tmp_path / "machine-id"
    monkeypatch.setattr(host, "MACHINE_ID_FILES", (machine_id,))
    machine_id.write_text("0" * 32)
    pin.write(paths, MINE, by="install")
    assert isinstance(pin.look(paths), Pin)
    machine_id.write_text("1" * 32)
    assert isinstance(pin.look(paths), Unusable)
    monkeypatch.setattr(pin, "account_home", lambda: paths.claude.parent)
    assert isinstance(pin.look(paths), Pin)


def test_without_a_machine_id_one_elsewhere_counts_only_where_there_is_no_other(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in many containers: there, a clone's pin would look like one that was made here."""
    monkeypatch.setattr(host, "MACHINE_ID_FILES", ())
    monkeypatch.setattr(sys, "platform", "linux")
    clone = Paths(claude=tmp_path / "clone", user_toml=paths.user_toml)
    pin.write(clone, MINE, by="install")
    assert isinstance(pin.look(clone), Pin)
    pin.write(paths, MINE, by="install")
    assert isinstance(pin.look(clone), Unusable)
    assert isinstance(pin.look(paths), Pin)
