"""A project's settings file is read as Claude Code reads it, or counts as setting everything."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.settings import claude_env

ENV = {"env": {"AWS_PROFILE": "theirs"}}
TEXT = json.dumps(ENV).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / ".claude").mkdir()
    return tmp_path / ".claude" / "settings.json"


@pytest.mark.parametrize("content", [TEXT, b"\xef\xbb\xbf" + TEXT, TEXT.replace(b" ", b"\r\n")])
def test_what_claude_code_reads_is_read(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert claude_env.read(file) == claude_env.ClaudeEnv({"AWS_PROFILE": "theirs"})


@pytest.mark.parametrize("content", [b"", b" \n", b"[]", b'{"env": 1}', b'{"model": "opus"}'])
def test_a_file_without_variables(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert claude_env.read(file) == claude_env.ClaudeEnv()


ODD = {
    "padded": b" " * (1 << 20) + TEXT,
    "a byte that is not UTF-8": TEXT[:-1] + b', "x": "\xff"}',
    "UTF-16": TEXT.decode().encode("utf-16"),
    "a raw surrogate": TEXT[:-1] + b', "x": "\xed\xa0\x80"}',
    "nested deeply": TEXT[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a long number": TEXT[:-1] + b', "x": ' + b"1" * 5000 + b"}",
    "a comment": b"// x\n" + TEXT,
    "a comma at the end": TEXT[:-1] + b",}",
    "two byte order marks": b"\xef\xbb\xbf" * 2 + TEXT,
    "env twice": b'{"env": {"AWS_PROFILE": "theirs"}, "env": {}}',
    "a variable twice": b'{"env": {"AWS_PROFILE": "theirs", "AWS_PROFILE": "x"}}',
    "a control character": TEXT[:-1] + b', "x": "\x01"}',
    "text after it": TEXT + b"x",
    "cut short": TEXT[:-1],
    "a NUL at the end": TEXT + b"\0",
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD.keys())
def test_what_is_odd_may_set_anything(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    unclear = claude_env.read(file).unclear
    assert unclear.startswith(f"{file}")
    assert unclear.isprintable()


def test_a_lone_surrogate_is_read(file: Path) -> None:
    file.write_bytes(TEXT[:-1] + b', "x": "\\ud800"}')
    assert claude_env.read(file).variables == ENV["env"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read every file")
def test_a_file_without_permission_may_set_anything(file: Path) -> None:
    file.write_bytes(TEXT)
    file.chmod(0)
    assert claude_env.read(file).unclear


def test_what_is_no_file_may_set_anything(file: Path) -> None:
    os.mkfifo(file)
    assert "is not a regular file" in claude_env.read(file).unclear
    file.unlink()
    file.mkdir()
    assert "is a directory" in claude_env.read(file).unclear
    file.rmdir()
    file.symlink_to(file)
    assert "a symlink that leads nowhere" in claude_env.read(file).unclear


@pytest.mark.parametrize("link", [".claude", "settings.json"])
def test_a_link_to_another_file_in_each_process_may_set_anything(file: Path, link: str) -> None:
    """What it leads to is missing for the worker, which runs in /."""
    if link == ".claude":
        file.parent.rmdir()
        file.parent.symlink_to("/proc/self/cwd/evil")
    else:
        (file.parent.parent / "here").symlink_to("/proc/self")
        file.symlink_to("../here/cwd/evil/settings.json")
    assert "differs from process to process" in claude_env.read(file).unclear


def test_an_ordinary_link_is_followed(file: Path) -> None:
    (file.parent.parent / "shared.json").write_bytes(TEXT)
    file.symlink_to("../shared.json")
    assert claude_env.read(file).variables == ENV["env"]
    (file.parent.parent / "shared.json").unlink()
    assert claude_env.read(file) == claude_env.ClaudeEnv()


def test_a_missing_file_sets_nothing(file: Path) -> None:
    assert claude_env.read(file) == claude_env.ClaudeEnv()
    file.parent.rmdir()
    assert claude_env.read(file) == claude_env.ClaudeEnv()


def as_claude_code(data: bytes) -> dict[str, object]:
    """Claude's rules, as generously as they could be meant: Node decodes what is not UTF-8 too.

    JSON.parse keeps the last of two equal keys, and takes any depth and any number.
    """
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    try:
        document = json.loads(text, strict=True)
    except (ValueError, RecursionError):
        return {}
    env = document.get("env") if isinstance(document, dict) else None
    return env if isinstance(env, dict) else {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
names = st.sampled_from(["AWS_PROFILE", "HTTPS_PROXY", "x", "\ud800", "env"])
documents = st.fixed_dictionaries(
    {}, optional={"env": st.dictionaries(names, json_values) | json_values, "hooks": json_values}
)


@st.composite
def settings_files(draw: st.DrawFn) -> bytes:
    """JSON as programs write it, then bytes put in, taken out and doubled."""
    data = json.dumps(draw(documents), ensure_ascii=draw(st.booleans())).encode(
        errors="surrogatepass"
    )
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        until = draw(st.integers(at, min(len(data), at + 40)))
        odd = st.sampled_from([b"\xef\xbb\xbf", b"\xff", b"//", b"/*", b",", b"\0", b'"env":{},'])
        put = draw(st.binary(max_size=3) | odd | st.just(data[at:until] * 2))
        data = data[:at] + put + data[until:]
    return data


@given(data=settings_files())
def test_whatever_claude_code_reads_is_read_or_unclear(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("project") / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_bytes(data)
    env = claude_env.read(file)
    assert env.unclear or repr(env.variables) == repr(as_claude_code(data))


def test_what_is_nested_is_read_or_may_set_anything(tmp_path: Path) -> None:
    """How deep it may be depends on the Python."""
    file = tmp_path / "settings.json"
    file.write_bytes(TEXT[:-1] + b', "x": ' + b"[" * 2000 + b"]" * 2000 + b"}")
    found = claude_env.read(file)
    assert found.unclear or found.variables == read_plain(tmp_path)


def read_plain(directory: Path) -> object:
    plain = directory / "plain.json"
    plain.write_bytes(TEXT)
    return claude_env.read(plain).variables
