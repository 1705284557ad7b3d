"""When the worker last pruned, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.state import pruning
from akosha_hook.state.pruning import Pruning

if TYPE_CHECKING:
    import pytest

    from akosha_hook.paths import Paths

DONE = Pruning(at=1_795_000_000.0, success=True, uploads_removed=2, freed_bytes=1000)


def test_the_last_pruning_is_remembered(paths: Paths) -> None:
    assert pruning.last(paths) is None
    paths.state.mkdir(parents=True)
    pruning.remember(paths, DONE)
    assert pruning.last(paths) == DONE
    assert paths.prune.stat().st_mode & 0o777 == 0o600


def test_a_file_of_nonsense_counts_as_none(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    paths.prune.write_text('{"at": -1, "success": true}')
    assert pruning.last(paths) is None


def test_a_disk_that_takes_nothing_costs_a_line_in_the_log(
    paths: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    paths.state.parent.mkdir(parents=True)
    paths.state.write_text("in the way")
    pruning.remember(paths, DONE)
    assert "prune.json could not be written" in caplog.text
