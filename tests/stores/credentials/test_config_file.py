"""Files with keys are read within bounds, named and never quoted, and too open ones reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from akosha_hook.errors import CredentialsError
from akosha_hook.paths import Paths
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import Credentials, resolve
from akosha_hook.util import log
from akosha_hook.util.files import private_directory
from tests.support.credentials import KEYS, write


def resolved(home: Path, profile: str = "", **environ: str) -> Credentials:
    return resolve(Settings(akosha_aws_profile=profile), environ, home=home)


def test_a_file_that_is_no_text_is_named(home: Path) -> None:
    path = write(home / ".aws/credentials", "")
    path.write_bytes(b"[default]\n\xff\xfe\n")
    with pytest.raises(CredentialsError, match=r"~/.aws/credentials is not UTF-8"):
        resolved(home)


def test_a_huge_file_is_refused(home: Path) -> None:
    write(home / ".aws/credentials", "#" * (1 << 21))
    with pytest.raises(CredentialsError, match="larger than"):
        resolved(home)


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_what_is_not_a_file_is_refused_without_waiting(home: Path, kind: str) -> None:
    (home / ".aws").mkdir()
    path = home / ".aws/credentials"
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    with pytest.raises(CredentialsError, match="is not a file"):
        resolved(home)


@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, False), (0o400, False), (0o644, True), (0o660, True)]
)
def test_a_file_open_to_others_is_warned_about(
    home: Path, paths: Paths, mode: int, warned: bool
) -> None:
    write(home / ".aws/credentials", f"[default]\n{KEYS}", mode)
    private_directory(paths.state)
    log.configure(paths)
    warnings = resolved(home).warnings
    assert ("chmod 600" in paths.log.read_text()) is warned
    assert bool(warnings) is warned
    if warned:
        assert f"mode {mode:04o}" in str(warnings[0])
        assert "chmod 600 ~/.aws/credentials" in str(warnings[0])


@pytest.mark.parametrize(
    "variable", ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "MC_CONFIG_DIR"]
)
def test_a_relative_path_in_a_variable_is_refused(home: Path, variable: str) -> None:
    with pytest.raises(CredentialsError, match=f"{variable} names theirs") as caught:
        resolve(Settings(), {variable: "theirs"}, home=home)
    assert caught.value.hint == f"Set {variable} to a full path, or unset it."
    with pytest.raises(CredentialsError, match="No credentials were found"):
        resolve(Settings(), {variable: str(home / "missing")}, home=home)
