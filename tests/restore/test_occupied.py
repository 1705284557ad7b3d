"""What stands where a database is to be put; tests/security/test_restored_programs.py restores over it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from akosha_hook.errors import AkoshaHookError
from akosha_hook.restore import occupied

NAME = "reflection.duckdb"


DUCKDB, SQLITE = b"\0" * 8 + b"DUCK" + b"\0" * 50, b"SQLite format 3\0rest"
STORED = {NAME: "duckdb"}


@pytest.mark.parametrize(
    ("kind", "head"),
    [("duckdb", DUCKDB), ("sqlite", SQLITE), ("duckdb", b""), ("sqlite", b"")],
)
def test_a_database_of_its_kind_or_an_empty_file_is_replaced(
    tmp_path: Path, kind: str, head: bytes
) -> None:
    (tmp_path / NAME).write_bytes(head)
    occupied.refuse(tmp_path, {NAME: kind, "missing.duckdb": kind}, force=False)


@pytest.mark.parametrize(
    ("kind", "head", "said"),
    [
        ("duckdb", SQLITE, "is a SQLite database, and what was stored is a DuckDB database"),
        ("sqlite", DUCKDB, "is a DuckDB database, and what was stored is a SQLite database"),
    ],
)
def test_a_database_of_another_kind_needs_force(
    tmp_path: Path, kind: str, head: bytes, said: str
) -> None:
    (tmp_path / NAME).write_bytes(head)
    with pytest.raises(AkoshaHookError, match=said) as caught:
        occupied.refuse(tmp_path, {NAME: kind}, force=False)
    assert "--force" in caught.value.hint
    occupied.refuse(tmp_path, {NAME: kind}, force=True)


@pytest.mark.parametrize("head", [b"#!/bin/sh\n", b"\0" * 12, b"SQLite"])
def test_another_file_needs_force(tmp_path: Path, head: bytes) -> None:
    (tmp_path / NAME).write_bytes(head)
    with pytest.raises(AkoshaHookError, match="is another kind of file") as caught:
        occupied.refuse(tmp_path, STORED, force=False)
    assert "--force" in caught.value.hint
    occupied.refuse(tmp_path, STORED, force=True)


def test_a_socket_needs_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(NAME)
        with pytest.raises(AkoshaHookError, match="is a pipe or a device"):
            occupied.refuse(tmp_path, STORED, force=False)


@pytest.mark.parametrize("force", [False, True])
def test_a_directory_is_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(AkoshaHookError, match="is a directory") as caught:
        occupied.refuse(tmp_path, STORED, force=force)
    assert "--force" not in caught.value.hint
