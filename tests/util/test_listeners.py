from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from akosha_hook.util import listeners
from akosha_hook.util.listeners import CannotTellError, Listener, _from_lsof, plain
from tests.support.other_user import UID, attacker, needs_another_user

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


def at(address: str, port: int) -> list[Listener]:
    return [each for each in listeners.listeners() if each.answers(address, port)]


@linux_only
@pytest.mark.parametrize(
    ("listens", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "127.1.2.3"),
        ("127.0.0.1", "0.0.0.0"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("::1", "::1"),
        ("::1", "::"),
        ("::", "::1"),
        ("::", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
    ],
)
def test_who_could_answer_is_found(listens: str, asked: str) -> None:
    family = socket.AF_INET6 if ":" in listens else socket.AF_INET
    with socket.socket(family) as listening:
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((listens, 0))
        port = listening.getsockname()[1]
        assert at(asked, port) == []
        listening.listen()
        found = at(asked, port)
        assert [each.uid for each in found] == [os.geteuid()]
        assert found[0].socket == str(os.fstat(listening.fileno()).st_ino)
        assert at(asked, port + 1) == []


@linux_only
@pytest.mark.parametrize(
    ("listens", "asked"), [("127.0.0.1", "127.0.0.2"), ("127.0.0.1", "::1"), ("0.0.0.0", "::1")]
)
def test_who_could_not_answer_is_left_out(listens: str, asked: str) -> None:
    with socket.create_server((listens, 0)) as listening:
        assert at(asked, listening.getsockname()[1]) == []


@linux_only
@needs_another_user
def test_another_users_listener_is_the_other_users() -> None:
    with attacker() as other:
        assert [each.uid for each in at("127.0.0.1", other.port)] == [UID]


def test_a_zone_is_no_part_of_an_address() -> None:
    assert str(plain("::1%lo")) == "::1"


@linux_only
@pytest.mark.parametrize("content", [None, b"\xff", b"h\n 0: zz 0 0A 0 0 0 0 0 1\n"])
def test_what_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setattr(listeners, "PROC", tmp_path)
    if content is not None:
        (tmp_path / "tcp").write_bytes(content)
    with pytest.raises(CannotTellError, match="tcp cannot be read"):
        listeners.listeners()


@linux_only
def test_a_kernel_without_ipv6_has_no_second_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "PROC", tmp_path)
    (tmp_path / "tcp").write_text("  sl  local_address\n")
    assert listeners.listeners() == []


def test_macos_is_asked_through_lsof() -> None:
    output = "p10\nu501\nf5\nPTCP\nn127.0.0.1:8682\nf6\nn[::1]:8682\np11\nu0\nf3\nn*:80\n"
    found = [(each.uid, each.socket, str(each.address), each.port) for each in _from_lsof(output)]
    assert found == [
        (501, "10/5", "127.0.0.1", 8682),
        (501, "10/6", "::1", 8682),
        (0, "11/3", "::", 80),
    ]


def test_macos_without_lsof_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(listeners, "LSOF", "/nonexistent/lsof")
    with pytest.raises(CannotTellError, match="lsof cannot be run"):
        listeners.listeners()


@linux_only
def test_the_end_of_a_connection_is_found_though_nobody_listens_any_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), listening.accept()[0]:
            listening.close()
            assert at("127.0.0.1", port) == []
            assert listeners.is_end_of_a_connection("127.0.0.1", port)
            assert listeners.is_end_of_a_connection("::ffff:127.0.0.1", port)
            assert not listeners.is_end_of_a_connection("127.0.0.2", port)
            assert not listeners.is_end_of_a_connection("127.0.0.1", port + 1)
