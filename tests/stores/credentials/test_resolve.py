from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.errors import CredentialsError, ExitCode
from akosha_hook.paths import Paths
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import resolve
from akosha_hook.util import log
from akosha_hook.util.files import private_directory
from tests.support.credentials import ACCESS, KEYS, SECRET, TOKEN, everything_said, revealed, write

DEFAULTS = Settings(akosha_cloud_bucket="memories")
AWS = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
MINIO = {"MINIO_ACCESS_KEY": "minio-access", "MINIO_SECRET_KEY": "minio-secret"}


def test_aws_variables_come_first(home: Path) -> None:
    write(home / ".aws/credentials", "[default]\naws_access_key_id=x\naws_secret_access_key=y\n")
    resolved = resolve(DEFAULTS, {**AWS, **MINIO, "AWS_SESSION_TOKEN": TOKEN}, home=home)
    assert revealed(resolved) == (ACCESS, SECRET, TOKEN)
    assert resolved.source == "environment"
    assert resolved.warnings == ()


def test_minio_variables_come_second(home: Path) -> None:
    write(home / ".aws/credentials", f"[default]\n{KEYS}")
    resolved = resolve(DEFAULTS, MINIO, home=home)
    assert revealed(resolved) == ("minio-access", "minio-secret", None)
    assert resolved.source == "environment (MINIO_ACCESS_KEY)"


def test_the_shared_files_come_third_and_mc_after_them(home: Path) -> None:
    settings = Settings(akosha_cloud_endpoint="http://localhost:9000")
    environ = {"MC_HOST_local": "http://mc-access:mc-secret@localhost:9000"}
    write(home / ".aws/credentials", f"[default]\n{KEYS}")
    assert resolve(settings, environ, home=home).source == "profile default in ~/.aws/credentials"
    (home / ".aws/credentials").unlink()
    assert revealed(resolve(settings, environ, home=home))[0] == "mc-access"


def test_the_profile_setting_beats_the_environment(home: Path) -> None:
    write(home / ".aws/credentials", f"[private]\n{KEYS}")
    work = {"AWS_ACCESS_KEY_ID": "work", "AWS_SECRET_ACCESS_KEY": "work", **MINIO}
    resolved = resolve(Settings(akosha_aws_profile="private"), work, home=home)
    assert revealed(resolved) == (ACCESS, SECRET, None)
    assert resolved.source == "profile private in ~/.aws/credentials"


def test_a_missing_profile_of_the_setting_is_not_replaced_by_other_keys(home: Path) -> None:
    write(home / ".aws/credentials", f"[default]\n{KEYS}[work]\n{KEYS}")
    with pytest.raises(CredentialsError, match=r"profile privat .*only: default, work") as caught:
        resolve(Settings(akosha_aws_profile="privat"), {**AWS, **MINIO}, home=home)
    assert "[privat]" in caught.value.hint


def test_nothing_found_says_where_was_looked_in_order_and_what_to_type(home: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        resolve(DEFAULTS, {}, home=home)
    message, hint = caught.value.message, caught.value.hint
    places = [
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment (not set)",
        "MINIO_ACCESS_KEY and MINIO_SECRET_KEY in the environment (not set)",
        "profile default in ~/.aws/credentials and ~/.aws/config (no such files)",
        "an alias for this endpoint in ~/.mc/config.json (no such file)",
        "an instance or container role (akosha_use_instance_role is off)",
    ]
    positions = [message.index(place) for place in places]
    assert positions == sorted(positions)
    assert "\n" not in message
    assert 'export AWS_ACCESS_KEY_ID="your-access-key"' in hint
    assert 'export AWS_SECRET_ACCESS_KEY="your-secret-key"' in hint
    assert "~/.aws/credentials" in hint
    assert caught.value.exit_code == ExitCode.CREDENTIALS


def test_the_hint_for_r2_speaks_of_r2(home: Path) -> None:
    settings = Settings(akosha_cloud_endpoint="https://abc.eu.r2.cloudflarestorage.com/")
    with pytest.raises(CredentialsError) as caught:
        resolve(settings, {}, home=home)
    assert 'export AWS_ACCESS_KEY_ID="your-r2-access-key"' in caught.value.hint


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (f'"{SECRET}"', "quotes"),
        (f"{SECRET}\n{SECRET}", "character"),
        (f"{SECRET} {SECRET}", "character"),
        (f"{SECRET}é", "character"),
        ("your-secret-key", "example"),
    ],
)
def test_what_cannot_be_a_key_is_refused_without_showing_it(
    home: Path, value: str, message: str
) -> None:
    with pytest.raises(CredentialsError, match=message) as caught:
        resolve(DEFAULTS, {**AWS, "AWS_SECRET_ACCESS_KEY": value}, home=home)
    assert "environment" in caught.value.message
    assert "canary" not in everything_said(caught.value)


def test_found_keys_show_in_no_repr_and_in_no_later_log_line(home: Path, paths: Paths) -> None:
    paths.state.mkdir(mode=0o700, parents=True)
    private_directory(paths.state)
    log.configure(paths, debug=True)
    resolved = resolve(DEFAULTS, {**AWS, "AWS_SESSION_TOKEN": TOKEN}, home=home)
    logger = logging.getLogger("akosha_hook.test")
    logger.error("%s %s %s %s", resolved, *revealed(resolved))
    written = paths.log.read_text() + paths.session_buddy_log.read_text() + repr(resolved)
    for secret in (ACCESS, SECRET, TOKEN):
        assert secret not in written
    assert "Credentials: environment" in written


def test_keys_in_the_environment_need_neither_minio_nor_urllib3(home: Path) -> None:
    script = """
import sys
before = set(sys.modules)
from pathlib import Path
from akosha_hook.stores.credentials import resolve
from akosha_hook.settings.fields import Settings
resolve(Settings(), {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, home=Path("/"))
print(*sorted({"minio", "urllib3", "configparser", "subprocess"} & (set(sys.modules) - before)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
