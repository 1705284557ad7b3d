"""ETags: which of them say something about the bytes."""

from __future__ import annotations

import hashlib

import pytest

from akosha_hook.state.receipt import Part
from akosha_hook.stores.s3.etag import is_md5, is_multipart_etag, multipart_etag

MD5 = "0123456789abcdef" * 2


def part(number: int, data: bytes) -> Part:
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Part(number, len(data), "etag", digest)


def test_the_etag_of_parts_is_the_md5_of_their_md5s() -> None:
    """Of b"" and b"a", as the AWS command line and others compute it."""
    joined = bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e0cc175b9c0f1b6a831c399e269772661")
    expected = hashlib.md5(joined, usedforsecurity=False).hexdigest() + "-2"
    assert multipart_etag([part(1, b""), part(2, b"a")]) == expected


@pytest.mark.parametrize(
    ("etag", "plain", "of_two_parts"),
    [
        (MD5, True, False),
        (MD5.upper(), False, False),
        (f"{MD5}-2", False, True),
        (f"{MD5}-3", False, False),
        (f"{MD5}-2-2", False, False),
        (f"W/{MD5}", False, False),
        (MD5[:-1], False, False),
        ("", False, False),
        ("opaque", False, False),
    ],
)
def test_only_what_has_the_form_of_an_md5_is_compared(
    etag: str, plain: bool, of_two_parts: bool
) -> None:
    assert is_md5(etag) is plain
    assert is_multipart_etag(etag, 2) is of_two_parts
