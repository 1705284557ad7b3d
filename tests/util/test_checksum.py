"""A checksum in a document: what was altered is noticed, and what never had one is read."""

from __future__ import annotations

import json

import pytest

from akosha_hook.util.checksum import fits, with_checksum

INDENTED = b'{\n  "name": "laptop",\n  "sequence": 3\n}'


@pytest.mark.parametrize("document", [INDENTED, INDENTED + b"\n", b'{"name":"laptop"}', b"{}"])
def test_a_checksum_is_the_last_key_and_fits(document: bytes) -> None:
    written = with_checksum(document)
    assert fits(written)
    read = json.loads(written)
    assert list(read)[-1] == "checksum"
    del read["checksum"]
    assert read == json.loads(document)


def test_the_layout_of_the_document_is_kept() -> None:
    assert with_checksum(INDENTED).startswith(INDENTED[:-2] + b',\n  "checksum": "')
    assert with_checksum(INDENTED).endswith(b'"\n}\n')
    assert with_checksum(b'{"a":1}').count(b"\n") == 1


def test_a_document_without_one_fits() -> None:
    """0.1.0 wrote none."""
    assert fits(INDENTED)
    assert fits(b"")


def test_a_checksum_further_inside_is_somebody_elses() -> None:
    assert fits(b'{"details": {"checksum": "of something else"}}')


def test_any_other_checksum_does_not_fit() -> None:
    written = with_checksum(INDENTED)
    value = json.loads(written)["checksum"].encode()
    assert not fits(written.replace(b"laptop", b"laptoq"))
    for other in (b"0" * 64, value.upper(), value[:-1], b""):
        assert not fits(written.replace(value, other))


def test_what_a_newer_version_writes_is_covered_too() -> None:
    newer = with_checksum(b'{"name": "laptop", "invented_later": {"x": [1, 2]}}')
    assert fits(newer)
    assert not fits(newer.replace(b"[1, 2]", b"[1, 3]"))
