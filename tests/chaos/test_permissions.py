"""Which permissions each thing we do takes, by the requests that it makes: docs/providers.md says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook import catalog, prune, restore
from akosha_hook.prune import Keep
from akosha_hook.restore import RestoreRequest
from tests.chaos.support import MIB, Patient
from tests.support import faults
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
def restorable(patient: Patient) -> None:
    """These databases are none, so nobody opens them."""
    patient.configure(akosha_parallel_uploads=1)


def used(patient: Patient) -> set[str]:
    """The permissions that the requests so far take; from now on others are counted."""
    found = {PERMISSION[each] for each in patient.network.operations()}
    patient.network.asked.clear()
    return found


def change(patient: Patient) -> None:
    data = patient.database.read_bytes()
    patient.database.write_bytes(data[:MIB] + b"ten new rows" + data[MIB + 12 :])


def test_uploading_takes_the_guides_policy_and_no_more(patient: Patient) -> None:
    """In one piece and in parts, whole, as a delta and as a reference."""
    patient.configure(akosha_enable_delta=True)
    patient.write(BIG)
    assert patient.sync().success
    change(patient)
    assert patient.sync().success
    assert "CreateMultipartUpload" in patient.network.operations()
    assert used(patient) <= GUIDE
    assert patient.sync().state == "unchanged"
    assert used(patient) == set()


def test_looking_and_restoring_never_write(patient: Patient, tmp_path: Path) -> None:
    patient.write()
    assert patient.sync().success
    used(patient)
    bucket = catalog.open_to_read(context(patient.paths))
    for name in catalog.systems(bucket):
        catalog.uploads(bucket, name)
    assert used(patient) == {"s3:ListBucket", "s3:GetObject"}
    restore.restore(RestoreRequest(to=tmp_path / "restored", force=True), context(patient.paths))
    assert used(patient) == {"s3:ListBucket", "s3:GetObject"}
    newest = patient.manifests()[-1]["metadata"]["upload_id"]
    used(patient)
    restore.restore(
        RestoreRequest(newest, to=tmp_path / "again", force=True), context(patient.paths)
    )
    assert used(patient) == {"s3:GetObject"}


def test_continuing_an_upload_takes_the_list_of_its_parts(patient: Patient) -> None:
    patient.write(BIG)
    patient.configure(akosha_max_retries=0)
    patient.network.on("UploadPart", fault=faults.reset, first=2)
    assert not patient.sync().success
    patient.network.heal()
    used(patient)
    assert patient.sync().success
    assert used(patient) - GUIDE == {RESUME}


def test_giving_an_upload_up_takes_aborting(patient: Patient) -> None:
    """One whose id nobody heard is looked for: that takes the list of unfinished ones."""
    patient.configure(akosha_max_retries=0)
    patient.write(BIG)
    patient.network.on("UploadPart", fault=faults.error(403, "AccessDenied"), first=2)
    assert not patient.sync().success
    patient.network.heal()
    used(patient)
    patient.write(MIB)
    assert patient.sync().success
    assert used(patient) - GUIDE == {ABORT}
    patient.write(BIG, seed=1)
    patient.network.on("CreateMultipartUpload", fault=faults.error(403, "AccessDenied"))
    assert not patient.sync().success
    patient.network.heal()
    used(patient)
    patient.write(MIB, seed=2)
    assert patient.sync().success
    assert used(patient) - GUIDE == {LIST}


def test_pruning_takes_deleting_and_the_list_of_unfinished_uploads(patient: Patient) -> None:
    for seed in range(2):
        patient.write(seed=seed)
        assert patient.sync().success
    used(patient)
    here = context(patient.paths)
    bucket = catalog.open_to_read(here)
    prune.apply(bucket, prune.plan(bucket, Keep(1, 0, 0, 0), here))
    assert used(patient) == {"s3:ListBucket", "s3:GetObject", DELETE, LIST}
    assert len(patient.manifests()) == 1


def test_the_page_names_each_permission(patient: Patient) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for permission in PERMISSION.values():
        assert f"`{permission}`" in page or f'"{permission}"' in page, permission
