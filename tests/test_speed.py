"""The rule that tells quick and slow tests apart."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tests.support import speed

TESTS = Path(__file__).parent


@pytest.mark.parametrize("place", [*speed.NOT_QUICK, *speed.SLOW])
def test_a_place_in_the_lists_is_there(place: str) -> None:
    assert (TESTS / place).exists()


@pytest.mark.parametrize("fixture", sorted(speed.SERVERS))
def test_a_server_in_the_list_is_a_fixture(fixture: str) -> None:
    sources = (path.read_text(encoding="utf-8") for path in TESTS.rglob("conftest.py"))
    assert any(f"\ndef {fixture}(" in source for source in sources)


@pytest.mark.parametrize(
    ("path", "fixtures", "marks"),
    [
        ("settings/test_values.py", ("tmp_path", "home"), ("quick",)),
        ("sync/test_run.py", ("bucket", "seaweedfs", "home"), ()),
        ("chaos/test_storms.py", ("home",), ()),
        ("chaos/test_schedules.py", ("faulty_home", "seaweedfs"), ("slow",)),
    ],
)
def test_the_marks_follow_place_and_fixtures(
    path: str, fixtures: tuple[str, ...], marks: tuple[str, ...]
) -> None:
    assert speed.marks(PurePosixPath(path), fixtures) == marks
