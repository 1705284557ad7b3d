"""Each kind of content that we add can be removed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.install.parts import part_of, undo
from akosha_hook.install.plan import Content, PlanError
from akosha_hook.install.record import Digest, Entry


def test_a_part_that_this_version_does_not_know_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert part_of("of a later version", path).remove(b"data", None) == b"data"


def test_a_file_that_cannot_be_read_any_more_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lefthook.yml"
    path.write_text("a: [\n")
    before = Content(b"a: []\n", 0o644)
    entry = Entry(str(path), "lefthook-config", "lefthook", before, Digest.of(before))
    with pytest.raises(
        PlanError, match=r"lefthook\.yml is not valid YAML: .*, so it was left alone"
    ):
        undo(entry)
    assert path.read_text() == "a: [\n"
