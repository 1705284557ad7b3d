"""Keys in the environment: AWS's variables, then MinIO's, as minio-py names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.errors import CredentialsError
from akosha_hook.stores.credentials.result import Credentials, NotFound
from akosha_hook.util.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
MINIO = ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "")


def from_aws_variables(environ: Mapping[str, str]) -> Credentials | NotFound:
    return _from_variables(environ, AWS, "environment")


def from_minio_variables(environ: Mapping[str, str]) -> Credentials | NotFound:
    return _from_variables(environ, MINIO, "environment (MINIO_ACCESS_KEY)")


def _from_variables(
    environ: Mapping[str, str], names: tuple[str, str, str], source: str
) -> Credentials | NotFound:
    access, secret, token = (Secret(environ.get(name, "").strip()) for name in names)
    if not access and not secret:
        return NotFound(f"{names[0]} and {names[1]} in the environment", "not set")
    if not access or not secret:
        present, missing = (names[0], names[1]) if access else (names[1], names[0])
        raise CredentialsError(
            f"{present} is set in the environment, but {missing} is not.",
            hint=f"Export {missing} too, or unset {present}.",
        )
    return Credentials(access, secret, token or None, source)
