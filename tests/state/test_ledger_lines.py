"""A line of the ledger vouches for one manifest."""

from __future__ import annotations

import pytest

from akosha_hook.state.ledger_lines import NO_MANIFEST, Entry, Line, decoded, encoded

DIGEST = "a" * 64


def entry(sha256: str = DIGEST) -> Entry:
    return Entry(
        upload="20261122_145612_laptop", system="laptop", machine="m", store="s", sha256=sha256
    )


def test_a_manifest_is_vouched_for_by_its_hash() -> None:
    """0.1 kept none; of an upload that never got its manifest, none is genuine."""
    assert entry().vouches_for(DIGEST)
    assert not entry().vouches_for("b" * 64)
    assert entry("").vouches_for("b" * 64)
    assert not entry(NO_MANIFEST).vouches_for(DIGEST)


def test_a_line_comes_back_as_it_was_written() -> None:
    line = Line(entry=entry())
    assert decoded(encoded(line).rstrip(b"\n")) == line


@pytest.mark.parametrize("change", [(b"laptop", b"lapdog"), (b" ", b"  "), (b"{", b"[")])
def test_an_altered_line_is_none(change: tuple[bytes, bytes]) -> None:
    assert decoded(encoded(Line(entry=entry())).rstrip(b"\n").replace(*change)) is None
