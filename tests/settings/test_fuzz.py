"""Whatever stands in a settings file or the environment, loading ends with settings and lines."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import tomli_w
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from akosha_hook.paths import Paths
from akosha_hook.settings import Loaded, Settings, load
from akosha_hook.settings.edit import set_key
from akosha_hook.settings.repository import rules
from akosha_hook.settings.spellings import groups
from akosha_hook.settings.table import table

KEYS = st.one_of(
    st.sampled_from(
        [*table(), "data_dir", "database_path", "akosha_secret_key", "akosha", "<<", *groups()]
    ),
    st.text(max_size=20),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(
        ["https://x.example", "http://localhost:1", "~/x", "auto", "AES256", "memories"]
    ),
    st.dates(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NESTED = st.sampled_from([name for names in groups().values() for name in names])
GROUPS = st.dictionaries(NESTED | st.text(max_size=20), VALUES, max_size=5)
DOCUMENTS = st.dictionaries(KEYS, VALUES | GROUPS, max_size=8)


def loaded_with(environ: dict[str, str] | None = None, **files: bytes) -> Loaded:
    with tempfile.TemporaryDirectory() as directory:
        paths = Paths(Path(directory) / "claude", Path(directory) / "config.toml")
        paths.settings_yaml.parent.mkdir(parents=True)
        for name, content in files.items():
            getattr(paths, name).write_bytes(content)
        loaded = load({"HOME": directory, **(environ or {})}, paths)
    check(loaded)
    return loaded


def check(loaded: Loaded) -> None:
    """Valid whatever was read, and fit to be shown."""
    values = msgspec.structs.asdict(loaded.settings)
    assert msgspec.convert(values, Settings) == loaded.settings
    for message in (*loaded.problems, *loaded.warnings, *loaded.notes):
        assert message.isprintable()
        assert len(message) < 2500


@given(st.binary(max_size=300))
def test_bytes_as_yaml_and_toml(content: bytes) -> None:
    loaded_with(settings_yaml=content, user_toml=content)


@given(st.text(alphabet="akosha_mxretis:=[]{}&*!|>-?#'\" \n\t0123456789<", max_size=200))
@example("akosha_max_retries: &a [*a]")
@example("? [akosha_max_retries]\n: 1")
@example("<<: &a {<<: *a}")
@example("&x <<: *x")
def test_almost_yaml_and_almost_toml(text: str) -> None:
    loaded_with(settings_yaml=text.encode(), user_toml=text.encode())


@given(DOCUMENTS)
def test_any_yaml_document(document: dict[str, Any]) -> None:
    loaded_with(local_yaml=yaml.safe_dump(document).encode())


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_none(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_none(each) for each in value if each is not None]
    return value


@given(DOCUMENTS)
def test_any_toml_document(document: dict[str, Any]) -> None:
    text = tomli_w.dumps(without_none(document)).encode(errors="replace")
    loaded_with(user_toml=text)
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / ".git").mkdir()
        (Path(directory) / ".akosha-hook.toml").write_bytes(text)
        restricted = rules(Path(directory), Settings())
        assert 900 <= restricted.min_interval_seconds <= 86_400
        assert all(each.isprintable() for each in restricted.ignored)


@given(
    st.dictionaries(
        st.sampled_from([f"SESSION_BUDDY_{name.upper()}" for name in table()]),
        st.text(alphabet=st.characters(exclude_characters="\0"), max_size=60),
        max_size=6,
    )
)
def test_any_environment(environ: dict[str, str]) -> None:
    loaded = loaded_with(environ)
    for name in environ:
        field = name.removeprefix("SESSION_BUDDY_").lower()
        named = [each for each in loaded.problems if f" {name} is " in each]
        assert loaded.origins[field].name == name or named


@given(
    st.dictionaries(st.sampled_from(list(table())), st.integers() | st.text(), max_size=4),
    st.sampled_from(list(table())),
    st.text(max_size=30) | st.lists(st.text(max_size=5), max_size=3),
    st.sampled_from(["", "# a comment\n", "\n[table]\nx = 1 # y\n"]),
)
def test_setting_a_key_changes_that_key_and_nothing_else(
    document: dict[str, Any], name: str, value: Any, around: str
) -> None:
    before = tomli_w.dumps(document) + around
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config.toml"
        path.write_text(before, newline="")
        set_key(path, name, value)
        after = path.read_bytes().decode()
    assert tomllib.loads(after) == tomllib.loads(before) | {name: value}
    assert all(line in after for line in before.split("\n") if line.startswith(("#", "[", "x")))
