"""Databases to freeze."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.duck import make_databases


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    make_databases(directory, conversations=20)
    return directory
