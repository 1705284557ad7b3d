"""Whatever stands in other programs' files, the answer is keys or a CredentialsError."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.errors import CredentialsError
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import resolve
from tests.support.credentials import everything_said, write

CANARY = "canary-0004"
SETTINGS = Settings(akosha_cloud_endpoint="http://localhost:9000")

pieces = st.sampled_from(
    [
        "[default]", "[profile default]", "[", "]", "\n", "\r", " ", "\t", "=", ":", "#", ";", "%", '"',
        "'", "\\", "aws_access_key_id", "aws_secret_access_key", "credential_process", CANARY, "\x00",
        "\u2028", "é",
    ]
)  # fmt: skip
ini = st.one_of(
    st.lists(pieces, max_size=30).map("".join), st.text().map(lambda text: text + CANARY)
)
json_text = st.one_of(
    st.recursive(
        st.sampled_from(["null", "1e999", '"http://localhost:9000"', f'"{CANARY}"', "true"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
            st.dictionaries(
                st.sampled_from(["aliases", "hosts", "x", "url", "accessKey", "secretKey"]),
                inner,
                max_size=4,
            ).map(
                lambda items: (
                    "{" + ",".join(f'"{key}":{value}' for key, value in items.items()) + "}"
                )
            ),
        ),
        max_leaves=12,
    ),
    st.text(),
)


def attempt(name: str, content: str) -> None:
    message = ""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        write(home / name, "").write_bytes(content.encode("utf-8", "surrogatepass"))
        try:
            resolve(SETTINGS, {"PATH": ""}, home=home)
        except CredentialsError as error:
            message = everything_said(error)
    # A profile may be called anything; everything else in the file may be a key.
    assert CANARY not in message or "there are only" in message


@given(ini)
def test_any_credentials_file(content: str) -> None:
    attempt(".aws/credentials", content)


@given(ini)
def test_any_config_file(content: str) -> None:
    attempt(".aws/config", content)


@given(json_text)
def test_any_mc_config(content: str) -> None:
    attempt(".mc/config.json", content)
