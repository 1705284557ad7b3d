"""Places to run the contract suite against: S3 servers started here, or one that is named."""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import urllib3
from minio import Minio

from akosha_hook.context import Context
from akosha_hook.demo.s3_server import ACCESS_KEY, SECRET_KEY, S3Server, free_ports, s3_server
from akosha_hook.settings import Loaded, Settings
from akosha_hook.stores.opening import open_store
from akosha_hook.stores.s3.connect import open_client
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import trustme

    from akosha_hook.paths import Paths
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.stores.s3.client import S3Client

SECONDS = 120.0
# Resolves nowhere: only a proxy can reach it.
PROXIED_HOST = "memories.test"
GUIDE_BUCKET = "session-buddy-memories"
PROVIDERS_PAGE = Path(__file__).parents[2] / "docs/providers.md"
# Identities of the TLS SeaweedFS besides the demo's: name and what its policies allow.
LIMITED, PRUNER = "limited", "pruner"


@dataclass(frozen=True)
class Place:
    """An endpoint with an existing bucket, and the environment that has the keys."""

    settings: Settings
    environ: Mapping[str, str]

    def context(self, paths: Paths, **changes: Any) -> Context:
        """What a run there works with, with some settings changed."""
        settings = msgspec.structs.replace(self.settings, **changes)
        return Context(Loaded(settings, {}), paths, self.environ)

    def open(self, paths: Paths, **changes: Any) -> S3Client:
        """The requests that our adapter makes there."""
        return open_client(self.context(paths, **changes), _policy())

    def store(self, paths: Paths, **changes: Any) -> ObjectStore:
        """The bucket as a store."""
        return open_store(self.context(paths, **changes), _policy())


def _policy() -> RetryPolicy:
    return RetryPolicy(2, 0.1, Deadline(SECONDS))


def named_place(environ: Mapping[str, str]) -> Place | None:
    """What `AKOSHA_TEST_ENDPOINT` and `AKOSHA_TEST_BUCKET` name, with the `AWS_` variables."""
    bucket = environ.get("AKOSHA_TEST_BUCKET")
    if not bucket:
        return None
    settings = Settings(
        akosha_cloud_endpoint=environ.get("AKOSHA_TEST_ENDPOINT", ""),
        akosha_cloud_bucket=bucket,
        akosha_cloud_region=environ.get("AWS_REGION", "auto"),
    )
    return Place(settings, dict(environ))


def place_on(server: S3Server, *, ca_file: Path | None = None, bucket: str = "") -> Place:
    """A new bucket on a server started here."""
    name = bucket or f"contract-{uuid.uuid4().hex[:12]}"
    authorities: dict[str, Any] = {"ca_certs": str(ca_file)} if ca_file else {}
    Minio(
        server.endpoint.partition("://")[2],
        server.access_key,
        server.secret_key,
        secure=server.endpoint.startswith("https:"),
        region="us-east-1",
        http_client=urllib3.PoolManager(timeout=30, retries=False, **authorities),
    ).make_bucket(name)
    settings = Settings(
        akosha_cloud_endpoint=server.endpoint,
        akosha_cloud_bucket=name,
        akosha_ca_file=str(ca_file or ""),
    )
    return Place(settings, keys(server.access_key, server.secret_key))


def keys(access_key: str, secret_key: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}


def guide_policy() -> dict[str, Any]:
    """The policy for the hooks' keys that docs/providers.md tells users to attach."""
    return _policies()[0]


def prune_policy() -> dict[str, Any]:
    """The one of that page for the keys that prune."""
    return _policies()[1]


def _policies() -> list[dict[str, Any]]:
    page = PROVIDERS_PAGE.read_text(encoding="utf-8")
    documents = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    return [each for each in documents if "Statement" in each]


@contextlib.contextmanager
def tls_server(directory: Path, name: str, authority: trustme.CA) -> Iterator[S3Server]:
    """A server that talks TLS; SeaweedFS knows the limited identities too."""
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = directory / "server.pem", directory / "server.key"
    issued = authority.issue_cert("127.0.0.1", PROXIED_HOST)
    key.write_bytes(issued.private_key_pem.bytes())
    certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    (port,) = free_ports(1)
    arguments = {
        "rclone": [f"--cert={certificate}", f"--key={key}"],
        "seaweedfs": [
            f"-s3.port.https={port}",
            f"-s3.cert.file={certificate}",
            f"-s3.key.file={key}",
            f"-s3.config={_identities(directory)}",
        ],
    }
    with s3_server(
        directory,
        name,
        port=port if name == "rclone" else None,
        arguments=arguments[name],
    ) as server:
        yield replace(server, endpoint=f"https://127.0.0.1:{port}")


def _identities(directory: Path) -> Path:
    policies = {"guide": guide_policy(), "prune": prune_policy()}
    path = directory / "identities.json"
    path.write_text(
        json.dumps(
            {
                "identities": [
                    _identity("demo", ACCESS_KEY, SECRET_KEY, actions=["Admin"]),
                    _identity(LIMITED, LIMITED, LIMITED, policies=["guide"]),
                    _identity(PRUNER, PRUNER, PRUNER, policies=["prune"]),
                ],
                "policies": [
                    {"name": name, "content": json.dumps(policy)}
                    for name, policy in policies.items()
                ],
            }
        )
    )
    return path


def _identity(
    name: str,
    access_key: str,
    secret_key: str,
    *,
    actions: list[str] | None = None,
    policies: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": actions or [],
        "policyNames": policies or [],
    }
