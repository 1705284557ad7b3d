"""A database that is configured outside the data directory goes back to where it is configured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError, BusyError
from akosha_hook.restore import RestoreRequest
from akosha_hook.restore import place as placing
from tests.support.duck import change
from tests.support.home import pin
from tests.support.recovery import contents, context, upload
from tests.support.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.home import Home

NAME = "reflection.duckdb"


@pytest.fixture
def outside(at_home: Home, tmp_path: Path) -> Path:
    """The database, moved, and configured there; everything is uploaded."""
    path = tmp_path / "disk" / NAME
    path.parent.mkdir()
    (at_home.paths.data / NAME).rename(path)
    config = at_home.paths.config_yaml
    assert config is not None
    config.parent.mkdir(parents=True)
    config.write_text(f"database: {{path: {path}}}\n")
    pin(at_home.paths)
    upload(at_home.paths)
    return path


def test_every_database_goes_where_it_belongs(at_home: Home, outside: Path) -> None:
    before, inside = outside.read_bytes(), contents(at_home.paths.data)
    change(outside, 25)
    changed = outside.read_bytes()
    for each in at_home.paths.data.iterdir():
        each.unlink()
    result = restore.restore(RestoreRequest(), context(at_home.paths))
    assert outside.read_bytes() == before
    assert contents(at_home.paths.data) == inside
    assert f"{NAME} goes to {outside}, where Session-Buddy has it." in result.notes
    (kept,) = outside.parent.glob(f"{placing.KEPT_PREFIX}*")
    assert (kept / NAME).read_bytes() == changed
    assert any(str(kept) in each for each in result.notes)
    assert set(result.checks) == {NAME, *inside}
    # Nothing of the restore itself is left.
    assert list(outside.parent.glob(".akosha-restore-*")) == []
    assert list(at_home.paths.data.glob(".akosha-restore-*")) == []


def test_it_alone_can_be_restored_where_nothing_is_left(at_home: Home, outside: Path) -> None:
    before, inside = outside.read_bytes(), contents(at_home.paths.data)
    outside.unlink()
    outside.parent.rmdir()
    result = restore.restore(RestoreRequest(names=(NAME,)), context(at_home.paths))
    assert outside.read_bytes() == before
    assert contents(at_home.paths.data) == inside
    assert result.kept is None
    assert result.plan.directories == (outside.parent,)


def test_a_verification_says_nothing_of_places(at_home: Home, outside: Path) -> None:
    shown = at_home.akosha_hook("verify")
    assert shown.returncode == 0
    assert str(outside) not in shown.stdout + shown.stderr


def test_another_directory_takes_all(at_home: Home, outside: Path, tmp_path: Path) -> None:
    before = outside.read_bytes()
    restore.restore(RestoreRequest(to=tmp_path / "there"), context(at_home.paths))
    assert contents(tmp_path / "there")[NAME] == before
    assert {each.name for each in outside.parent.iterdir()} == {NAME}


def test_if_one_place_is_in_use_nothing_is_replaced_anywhere(at_home: Home, outside: Path) -> None:
    with (at_home.paths.data / "knowledge_graph.duckdb").open("ab") as file:
        file.write(b"changed")
    changed = contents(at_home.paths.data)
    with Writer(outside), pytest.raises(BusyError):
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert contents(at_home.paths.data) == changed
    outside.unlink()
    outside.mkdir()
    with pytest.raises(AkoshaHookError, match="a directory"):
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert contents(at_home.paths.data) == changed


def test_a_second_place_that_fails_says_what_is_restored(
    at_home: Home, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = placing.place

    def failing(staged: Path, journal: Path, target: Path, *arguments: object) -> object:
        if target == outside.parent:
            raise AkoshaHookError("The disk is away.", hint="Plug it in.")
        return real(staged, journal, target, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(placing, "place", failing)
    with pytest.raises(AkoshaHookError) as caught:
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert caught.value.hint.startswith("Restored already: knowledge_graph.duckdb. Plug it in.")


def test_a_dry_run_says_where_it_goes(at_home: Home, outside: Path) -> None:
    document = json.loads(at_home.akosha_hook("restore", "--dry-run", "--json").stdout)
    assert f"{NAME} goes to {outside}, where Session-Buddy has it." in document["notes"]
    assert NAME in document["replaces"]
