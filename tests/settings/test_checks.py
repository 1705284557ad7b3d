"""The checks before a commit find credentials and bad settings, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.cli import cli
from akosha_hook.cli.boundary import run
from akosha_hook.paths import shipped
from akosha_hook.settings.checks import check_secrets

if TYPE_CHECKING:
    from pathlib import Path

# Shaped like the real thing, and put together here so that no scanner takes them for one.
ACCESS_KEY = "AKIA" + "IOSF0DNN7QWERTYU"
SECRET_KEY = "wJalrXUtnFEM1+K7MDENG" + "/bPxRfiCYzzzzKEY12"

# The user guide's own files and commands.
GUIDE = """
akosha_cloud_bucket: "session-buddy-memories" # Your bucket name
akosha_cloud_endpoint: "https://<account>.r2.cloudflarestorage.com"
akosha_cloud_region: "auto"
akosha_system_id: "macbook-pro-username" # Optional (defaults to hostname)
akosha_upload_on_session_end: true # Auto-upload on session end
akosha_force_method: "auto" # auto, cloud, or http
akosha_cloud_endpoint: "https://s3.us-east-1.amazonaws.com"
akosha_cloud_endpoint: "http://localhost:9000"
akosha_sse_kms_key_id: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  sse_kms_key_id: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
export SESSION_BUDDY_CLOUD_SYNC__SSE_KMS_KEY_ID="1234abcd-12ab-34cd-56ef-1234567890ab"
export SESSION_BUDDY_AKOSHA_SSE_KMS_KEY_ID="1234abcd-12ab-34cd-56ef-1234567890ab"
export AWS_ACCESS_KEY_ID="your-access-key"
export AWS_SECRET_ACCESS_KEY="your-secret-key"
export AWS_ACCESS_KEY_ID="your-r2-token-id"
export AWS_SECRET_ACCESS_KEY="your-r2-token-secret"
-e "MINIO_ROOT_USER=minioadmin" \\
-e "MINIO_ROOT_PASSWORD=minioadmin" \\
mc alias set local http://localhost:9000 minioadmin minioadmin
"Resource": ["arn:aws:s3:::session-buddy-memories"]
"""


def findings(tmp_path: Path, text: str, name: str = "session-buddy.yaml") -> list[str]:
    path = tmp_path / name
    path.write_text(text)
    return [finding.message.removeprefix(str(path)) for finding in check_secrets([path])]


def test_the_guides_examples_and_our_templates_are_no_secrets(tmp_path: Path) -> None:
    assert findings(tmp_path, GUIDE) == []
    files = [path for path in shipped("templates").iterdir() if path.is_file()]
    assert check_secrets(files) == ()


@pytest.mark.parametrize(
    "line",
    [
        f"akosha_access_key: {ACCESS_KEY}",
        f"# old: {ACCESS_KEY}",
        f"akosha_secret_key: '{SECRET_KEY}'",
        f'aws_secret_access_key = "{SECRET_KEY}"',
        f"AWS_SECRET_ACCESS_KEY={SECRET_KEY}",
        "akosha_token: hunter2",
        "minio_root_password: hunter2",
        f'{{"env": {{"AWS_SECRET_ACCESS_KEY": "{SECRET_KEY}"}}}}',
        '{"apiKey": "sk-0123456789abcdef0123"}',
        "akosha_http_url: http://ada:hunter2@akosha.example.org",
        f"akosha_secret_key: >-\n  {SECRET_KEY}",
        "-----BEGIN RSA PRIVATE KEY-----",
        "akosha_cloud_credentials: {secret_key: hunter2}",
    ],
)
def test_a_credential_is_found_and_never_shown(tmp_path: Path, line: str) -> None:
    [message] = findings(tmp_path, f"akosha_cloud_bucket: memories\n{line}\n")
    assert message.startswith(":2: ")
    assert "~/.aws/credentials" in message
    for secret in (ACCESS_KEY, SECRET_KEY, "hunter2", "sk-0123456789abcdef0123"):
        assert secret not in message


@pytest.mark.parametrize(
    "line",
    [
        "akosha_secret_key:",
        'akosha_secret_key: ""',
        "AWS_SECRET_ACCESS_KEY: ${AWS_SECRET_ACCESS_KEY}",
        "aws_secret_access_key = $SECRET",
        "token: <your token>",
        'credential_process = "/usr/bin/my-helper"',
        '"apiKeyHelper": "~/bin/key 123456789012345"',
        '"awsCredentialExport": "aws-vault export work1"',
        "AWS_SHARED_CREDENTIALS_FILE=~/.aws/credentials",
        'token = "required"',
        "api_key_env: OPENAI_API_KEY_2_PRODUCTION",
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "akosha_allow_insecure_endpoint: false",
    ],
)
def test_what_only_resembles_a_credential_is_left_alone(tmp_path: Path, line: str) -> None:
    assert findings(tmp_path, line + "\n") == []


def test_hostile_text_takes_no_time(tmp_path: Path) -> None:
    """Quadratic expressions would take minutes here, and run into the suite's time limit."""
    for text in ("a" * 1_000_000, "a.-" * 300_000, "token=" * 150_000, 'a="' * 300_000):
        findings(tmp_path, text)


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "local.yaml").mkdir()
    [finding] = check_secrets([tmp_path / "local.yaml"])
    assert "is a directory" in finding.message


def test_exit_codes_and_streams(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "session-buddy.yaml", tmp_path / "local.yaml"
    good.write_text("akosha_cloud_bucket: memories\n")
    bad.write_text(f"akosha_chunk_size_mb: many\nakosha_secret_key: {SECRET_KEY}\n")
    assert run(cli, ["check-settings", str(good)]) == 0
    assert run(cli, ["check-secrets", str(good)]) == 0
    assert capsys.readouterr() == ("", "")
    assert run(cli, ["check-settings", str(good), str(bad)]) == 3
    assert f"{bad}:1: akosha_chunk_size_mb" in capsys.readouterr().err
    assert run(cli, ["check-secrets", str(good), str(bad)]) == 1
    assert SECRET_KEY not in capsys.readouterr().err


def test_a_mistyped_key_is_a_warning_and_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "local.yaml"
    path.write_text("akosha_cloud_bukket: memories\n")
    assert run(cli, ["check-settings", str(path)]) == 0
    assert "did you mean akosha_cloud_bucket" in capsys.readouterr().err
