"""What a dry run says of the files of sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook import catalog, restore
from akosha_hook.restore import RestoreRequest, SetResult, preview
from tests.support.home import Home
from tests.support.recovery import context, upload
from tests.support.sets import session_files, write


@pytest.fixture
def machine(at_home: Home) -> Home:
    session_files(at_home.paths.data)
    upload(at_home.paths)
    return at_home


def previewed(machine: Home, request: RestoreRequest) -> tuple[SetResult, ...]:
    here = context(machine.paths)
    store = catalog.open_to_read(here)
    return restore.preview_sets(store, restore.plan(store, request, here), request, here)


def test_it_says_what_the_restore_then_does(machine: Home) -> None:
    write(machine.paths.data, handoffs__h="newer")
    (machine.paths.data / "sessions/s1/state").unlink()
    for force in (False, True):
        request = RestoreRequest(names=("session-files",), force=force)
        before = sorted(machine.paths.claude.rglob("*"))
        said = previewed(machine, request)
        assert (said[0].put_back, len(said[0].newer)) == ((2, 0) if force else (1, 1))
        # Nothing is left of it, and nothing was put anywhere.
        assert sorted(machine.paths.claude.rglob("*")) == before
    done = restore.restore(RestoreRequest(names=("session-files",)), context(machine.paths))
    assert (done.sets[0].put_back, done.sets[0].newer) == (1, ["handoffs/h"])


def test_a_folder_that_is_not_there_is_not_made(machine: Home, tmp_path: Path) -> None:
    (result,) = previewed(machine, RestoreRequest(to=tmp_path / "out"))
    assert (result.put_back, result.into) == (2, tmp_path / "out/session-files")
    assert not (tmp_path / "out").exists()


def test_a_large_set_is_not_downloaded(machine: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "MOST_BYTES", 10)
    monkeypatch.setattr(preview, "assemble", lambda *_: pytest.fail("it was downloaded"))
    assert previewed(machine, RestoreRequest()) == ()
