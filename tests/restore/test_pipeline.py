"""What a restore and a verification share: every file downloaded, put together and checked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.context import Context
from akosha_hook.restore import RestoreRequest, plan
from akosha_hook.restore.check import Check
from akosha_hook.restore.pipeline import Assembled, assemble_all
from akosha_hook.restore.staging import temporary_staging
from akosha_hook.util.progress import Silent
from tests.support.recovery import contents, context, upload

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.home import Home


class Phases(Silent):
    """A Progress that notes phases."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def phase(self, name: str) -> None:
        self.noted.append(name)


def test_every_file_is_whole_in_the_staging_directory_and_read(
    at_home: Home, tmp_path: Path
) -> None:
    upload(at_home.paths)
    here, phases = context(at_home.paths), Phases()
    here = Context(here.loaded, here.paths, here.environ, phases)
    store = catalog.open_to_read(here)
    steps = plan(store, RestoreRequest(), here)
    with temporary_staging(tmp_path) as staging:
        assembled = assemble_all(store, steps, staging, here)
        assert contents(staging.whole) == contents(at_home.paths.data)
        assert list(staging.parts.iterdir()) == []
    assert assembled.checks == dict.fromkeys(contents(at_home.paths.data), Check())
    assert assembled.downloaded_bytes == steps.download_bytes > 0
    assert phases.noted == ["download", "check"]
    assert list(tmp_path.glob(".akosha-restore-*")) == []


def test_the_result_has_the_plan_the_checks_and_the_time_it_took(at_home: Home) -> None:
    upload(at_home.paths)
    here = context(at_home.paths)
    steps = plan(catalog.open_to_read(here), RestoreRequest(), here)
    started = time.monotonic() - 5
    result = Assembled(steps, {"a": Check()}, 10).restored(
        started, ["note"], kept=at_home.paths.data
    )
    assert (result.plan, result.downloaded_bytes, result.notes) == (steps, 10, ("note",))
    assert result.kept == at_home.paths.data
    assert result.duration_seconds >= 5
