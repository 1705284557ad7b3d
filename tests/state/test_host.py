"""Which machine this is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from akosha_hook.state import host

ID = "0123456789abcdef0123456789abcdef"
UUID = "12345678-90AB-CDEF-1234-567890ABCDEF"


@pytest.fixture
def machine_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "machine-id"
    monkeypatch.setattr(host, "MACHINE_ID_FILES", (tmp_path / "none", path))
    monkeypatch.setattr(sys, "platform", "linux")
    return path


def test_a_machine_is_known_by_its_id_which_is_not_shown(machine_id: Path) -> None:
    machine_id.write_text(f"{ID}\n")
    fingerprint = host.fingerprint()
    assert fingerprint == host.fingerprint() != ""
    assert ID not in fingerprint
    machine_id.write_text(ID.replace("0", "1"))
    assert host.fingerprint() not in {"", fingerprint}


@pytest.mark.parametrize("text", ["", "uninitialized\n", "x" * 32, ID[:31], "é"])
def test_a_system_without_an_id_is_not_told_from_others(machine_id: Path, text: str) -> None:
    """systemd writes `uninitialized` into images."""
    machine_id.write_text(text, encoding="utf-8")
    assert host.fingerprint() == ""


def test_a_system_without_the_file_is_not_told_from_others(machine_id: Path) -> None:
    assert host.fingerprint() == ""


def test_macos_is_asked_for_its_hardware_id(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = f'    "IOPlatformUUID" = "{UUID}"\n    "IOPlatformSerialNumber" = "X"\n'

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[0].endswith("ioreg")
        return subprocess.CompletedProcess(command, 0, stdout=answer)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    assert host.fingerprint()
    assert UUID not in host.fingerprint()


@pytest.mark.parametrize("error", [FileNotFoundError(), subprocess.TimeoutExpired("ioreg", 5)])
def test_where_macos_does_not_answer_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    assert host.fingerprint() == ""
