from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.errors import CredentialsError
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import Credentials, resolve
from tests.support.credentials import ACCESS, KEYS, SECRET, TOKEN, everything_said, revealed, write

OTHER = "aws_access_key_id = other\naws_secret_access_key = other-secret\n"


def resolved(home: Path, profile: str = "", **environ: str) -> Credentials:
    return resolve(Settings(akosha_aws_profile=profile), environ, home=home)


def test_the_default_profile_is_used(home: Path) -> None:
    write(
        home / ".aws/credentials", f"[other]\n{OTHER}[default]\n{KEYS}aws_session_token={TOKEN}\n"
    )
    assert revealed(resolved(home)) == (ACCESS, SECRET, TOKEN)


def test_aws_profile_names_another_one(home: Path) -> None:
    write(home / ".aws/credentials", f"[default]\n{OTHER}[work]\n{KEYS}")
    credentials = resolved(home, AWS_PROFILE="work")
    assert revealed(credentials)[0] == ACCESS
    assert credentials.source == "profile work in ~/.aws/credentials"


@pytest.mark.parametrize("header", ["[default]", "[profile default]", "[ profile  'default' ]"])
def test_keys_in_the_config_file_count_too(home: Path, header: str) -> None:
    write(home / ".aws/config", f"[sso-session x]\na=b\n{header}\nregion = eu-west-1\n{KEYS}")
    credentials = resolved(home)
    assert revealed(credentials)[0] == ACCESS
    assert credentials.source == "profile default in ~/.aws/config"


def test_a_profile_name_may_hold_spaces(home: Path) -> None:
    write(home / ".aws/config", f'[profile "my work"]\n{KEYS}')
    assert resolved(home, "my work").source == "profile my work in ~/.aws/config"


def test_the_config_file_needs_the_word_profile(home: Path) -> None:
    write(home / ".aws/config", f"[work]\n{KEYS}")
    with pytest.raises(CredentialsError, match="no profiles there"):
        resolved(home, "work")


def test_keys_in_the_credentials_file_beat_those_in_config(home: Path) -> None:
    write(home / ".aws/credentials", f"[default]\n{KEYS}")
    write(home / ".aws/config", f"[default]\ncredential_process = false\n{OTHER}")
    assert revealed(resolved(home))[0] == ACCESS


def test_the_files_may_be_elsewhere(home: Path, tmp_path: Path) -> None:
    credentials = write(tmp_path / "elsewhere", f"[default]\n{KEYS}")
    assert resolved(home, AWS_SHARED_CREDENTIALS_FILE=str(credentials)).source == (
        f"profile default in {credentials}"
    )
    write(home / "private/config", f"[default]\n{KEYS}")
    assert resolved(home, AWS_CONFIG_FILE="~/private/config").source == (
        "profile default in ~/private/config"
    )


def test_a_default_section_does_not_spread(home: Path) -> None:
    """To Python's parser a [DEFAULT] section belongs to all, to AWS's tools it does not."""
    write(home / ".aws/credentials", f"[DEFAULT]\n{OTHER}[work]\nregion = x\n")
    with pytest.raises(CredentialsError, match="no keys"):
        resolved(home, "work")


def test_percent_signs_and_a_byte_order_mark_are_plain(home: Path) -> None:
    write(home / ".aws/credentials", f"\ufeff[default]\n{KEYS.replace(SECRET, '%(x)s%%')}")
    assert revealed(resolved(home))[1] == "%(x)s%%"


def test_half_a_pair_is_said(home: Path) -> None:
    write(home / ".aws/credentials", f"[default]\naws_access_key_id = {ACCESS}\n")
    with pytest.raises(CredentialsError, match="has no aws_secret_access_key") as caught:
        resolved(home)
    assert ACCESS not in everything_said(caught.value)


@pytest.mark.parametrize(
    "extra",
    ["role_arn = arn:x\nsource_profile = y\n", "sso_session = corp\n", "sso_start_url = u\n"],
)
def test_a_profile_only_aws_tools_can_follow_says_how_to_bridge_it(home: Path, extra: str) -> None:
    """Static keys beside a role are another identity than the one AWS's tools would use."""
    write(home / ".aws/config", f"[profile work]\n{extra}{KEYS}")
    with pytest.raises(CredentialsError, match=r"export-credentials --profile work"):
        resolved(home, "work")
    with pytest.raises(CredentialsError, match=r"export-credentials --profile work"):
        resolved(home, AWS_PROFILE="work")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (f"{KEYS}", 1),
        (f"[default]\n{SECRET}\n", 2),
        (f"[default]\n{KEYS}\n\n[default\n", 6),
        (f"[default]\n{KEYS}[default]\n{KEYS}", 4),
        (f"[default]\n{KEYS}{KEYS}", 4),
        (f"[default]\n{SECRET}=a\n{SECRET}=b\n", 3),
    ],
)
def test_a_malformed_file_is_named_by_line_and_not_quoted(
    home: Path, content: str, line: int
) -> None:
    write(home / ".aws/credentials", content)
    with pytest.raises(CredentialsError, match=rf"~/.aws/credentials, line {line},") as caught:
        resolved(home)
    message = everything_said(caught.value)
    assert ACCESS not in message
    assert "canary" not in message
