"""Which permissions each thing we do takes, by the requests that it makes: docs/providers.md says so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from akosha_hook import catalog, prune, restore
from akosha_hook.prune import Keep
from akosha_hook.restore import RestoreRequest
from akosha_hook.state.receipts import Receipts
from tests.support import faults
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.later import hours_later
from tests.support.recovery import context

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"
GUIDE = {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}
RESUME, LIST, ABORT, DELETE = (
    "s3:ListMultipartUploadParts",
    "s3:ListBucketMultipartUploads",
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
)
# AWS: "Actions, resources, and condition keys for Amazon S3"; HEAD and GET are one action.
PERMISSION = {
    "ListObjects": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "GetManifest": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "HeadManifest": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "PutManifest": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "ListParts": RESUME,
    "ListMultipartUploads": LIST,
    "AbortMultipartUpload": ABORT,
    "DeleteObject": DELETE,
    "DeleteManifest": DELETE,
}
BIG = 11 * MIB


@pytest.fixture(autouse=True)
def restorable(faulty_home: FaultyHome) -> None:
    """These databases are none, so nobody opens them."""
    faulty_home.configure(akosha_parallel_uploads=1)


def used(faulty_home: FaultyHome) -> set[str]:
    """The permissions that the requests so far take; from now on others are counted."""
    permissions = {PERMISSION[each] for each in faulty_home.network.operations()}
    faulty_home.network.asked.clear()
    return permissions


def change(faulty_home: FaultyHome) -> None:
    data = faulty_home.database.read_bytes()
    faulty_home.database.write_bytes(data[:MIB] + b"ten new rows" + data[MIB + 12 :])


def test_uploading_takes_the_guides_policy_and_no_more(faulty_home: FaultyHome) -> None:
    """In one piece and in parts, whole, as a delta and as a reference."""
    faulty_home.configure(akosha_enable_delta=True)
    faulty_home.write(BIG)
    assert faulty_home.sync().success
    change(faulty_home)
    assert faulty_home.sync().success
    assert "CreateMultipartUpload" in faulty_home.network.operations()
    assert used(faulty_home) <= GUIDE
    assert faulty_home.sync().state == "unchanged"
    assert used(faulty_home) == set()
    (last, *_) = faulty_home.receipts()
    Receipts(faulty_home.paths).save(
        msgspec.structs.replace(last, finished="2026-01-01T00:00:00+00:00")
    )
    assert faulty_home.sync().state == "unchanged"
    assert used(faulty_home) == {"s3:GetObject"}


def test_looking_and_restoring_never_write(faulty_home: FaultyHome, tmp_path: Path) -> None:
    faulty_home.write()
    assert faulty_home.sync().success
    used(faulty_home)
    bucket = catalog.open_to_read(context(faulty_home.paths))
    for name in catalog.systems(bucket):
        catalog.uploads(bucket, name)
    assert used(faulty_home) == {"s3:ListBucket", "s3:GetObject"}
    restore.restore(
        RestoreRequest(to=tmp_path / "restored", force=True), context(faulty_home.paths)
    )
    assert used(faulty_home) == {"s3:ListBucket", "s3:GetObject"}
    newest = faulty_home.manifests()[-1]["metadata"]["upload_id"]
    used(faulty_home)
    restore.restore(
        RestoreRequest(newest, to=tmp_path / "again", force=True), context(faulty_home.paths)
    )
    assert used(faulty_home) == {"s3:GetObject"}


def test_continuing_an_upload_takes_the_list_of_its_parts(faulty_home: FaultyHome) -> None:
    faulty_home.write(BIG)
    faulty_home.configure(akosha_max_retries=0)
    faulty_home.network.on("UploadPart", fault=faults.reset, first=2)
    assert not faulty_home.sync().success
    faulty_home.network.heal()
    used(faulty_home)
    assert faulty_home.sync().success
    assert used(faulty_home) - GUIDE == {RESUME}


def test_giving_an_upload_up_takes_aborting(faulty_home: FaultyHome) -> None:
    """One whose id nobody heard is looked for: that takes the list of unfinished ones."""
    faulty_home.configure(akosha_max_retries=0)
    faulty_home.write(BIG)
    faulty_home.network.on("UploadPart", fault=faults.error(403, "AccessDenied"), first=2)
    assert not faulty_home.sync().success
    faulty_home.network.heal()
    used(faulty_home)
    faulty_home.write(MIB)
    assert faulty_home.sync().success
    assert used(faulty_home) - GUIDE == {ABORT}
    faulty_home.write(BIG, seed=1)
    faulty_home.network.on("CreateMultipartUpload", fault=faults.error(403, "AccessDenied"))
    assert not faulty_home.sync().success
    faulty_home.network.heal()
    used(faulty_home)
    faulty_home.write(MIB, seed=2)
    assert faulty_home.sync().success
    assert used(faulty_home) - GUIDE == {LIST}


def test_pruning_takes_deleting_and_the_list_of_unfinished_uploads(faulty_home: FaultyHome) -> None:
    for seed in range(2):
        faulty_home.write(seed=seed)
        assert faulty_home.sync().success
    used(faulty_home)
    here = context(faulty_home.paths)
    bucket = catalog.open_to_read(here)
    with hours_later():
        plan = prune.plan(bucket, Keep(1, 0, 0, 0), here)
    prune.apply(bucket, plan, here)
    assert used(faulty_home) == {"s3:ListBucket", "s3:GetObject", DELETE, LIST}
    assert len(faulty_home.manifests()) == 1


def test_the_page_names_each_permission(faulty_home: FaultyHome) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for permission in PERMISSION.values():
        assert f"`{permission}`" in page or f'"{permission}"' in page, permission
