"""The status view of real state directories."""

from __future__ import annotations

import os
import time

import msgspec
import pytest

from akosha_hook.cli.screen import Line, Tone
from akosha_hook.cli.status_view import finding_lines, sections
from akosha_hook.doctor import Finding
from akosha_hook.paths import Paths
from akosha_hook.state import identity, looks
from akosha_hook.state.looks import Look
from akosha_hook.state.progress_file import ProgressFile, State
from akosha_hook.state.pruning import Pruning
from akosha_hook.state.receipts import Receipts
from akosha_hook.state.verification import Verification
from akosha_hook.util import files
from tests.support.home import Home
from tests.support.reports import AKOSHA, CLOUD, leave_receipt, report_now
from tests.support.state_documents import whole_receipt


@pytest.fixture
def configured(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(
        akosha_cloud_bucket=CLOUD.bucket,
        akosha_cloud_endpoint=CLOUD.endpoint,
        akosha_system_id=CLOUD.system_id,
    )
    files.private_directory(paths.state)
    return home


def view(home: Home) -> dict[str, list[Line]]:
    return dict(sections(report_now(home.paths)))


def test_a_failure_after_a_success_leads_the_view_and_is_explained(configured: Home) -> None:
    assert configured.akosha_hook("install").returncode == 0
    leave_receipt(configured.paths, 1)
    leave_receipt(configured.paths, 2, error="no network")
    shown = view(configured)
    assert shown["Backup"] == [Line("on, but the last upload failed (see below)", Tone.PROBLEM)]
    assert shown["Last sync"][0].tone is Tone.OK
    assert shown["Last error"][0].text.endswith(": no network")


def test_a_delta_and_its_base_are_one_file(configured: Home) -> None:
    """Both are objects of the upload where they were copied forward."""
    done = leave_receipt(configured.paths, 1)
    (file,) = whole_receipt().files
    assert file.delta is not None
    both = (file.key, file.delta.base_key + ".2")
    delta = msgspec.structs.replace(file.delta, base_key=both[1])
    moved = msgspec.structs.replace(file, status="unchanged", delta=delta)
    receipt = msgspec.structs.replace(done, files=(moved,), files_uploaded=both)
    Receipts(configured.paths).save(receipt)
    assert ": 1 file, " in view(configured)["Last sync"][0].text
    assert " 1  " in configured.akosha_hook("history").stdout.splitlines()[1]


def test_a_push_to_akosha_is_not_taken_for_a_backup(configured: Home) -> None:
    leave_receipt(configured.paths, 1, AKOSHA)
    (line,) = view(configured)["Last sync"]
    assert line.tone is Tone.WARNING
    assert line.text.endswith("not in the cloud yet")
    assert not view(configured)["Akosha"]


def test_a_new_machine_id_is_a_note(configured: Home) -> None:
    paths = configured.paths
    me = identity.load(paths, report_now(paths).loaded.settings)
    assert not view(configured)["Notes"]
    renewed = identity.renew(paths, me, identity.SHARED)
    (note,) = view(configured)["Notes"]
    assert note.text.startswith(f"This machine has the new id {renewed.machine_id}, since another")


def test_a_sync_that_does_not_go_on_is_shown_with_what_to_type(configured: Home) -> None:
    state = State(phase="upload", pid=os.getpid(), updated=time.time() - 720)
    files.write_json(configured.paths.progress, state)
    _, problem, hint = view(configured)["Now"]
    assert problem.tone is Tone.PROBLEM
    pid = os.getpid()
    assert problem.text == f"process {pid} seems to be stuck; its last progress was 12 min ago"
    assert hint.text.startswith(f"Try: kill {pid}, then ")


def test_an_upload_that_is_running_is_shown_with_its_bar(configured: Home) -> None:
    progress = ProgressFile(configured.paths)
    progress.phase("upload")
    progress.file("reflection.duckdb", 1_000)
    progress.retry("connection reset", 1, 2.0)
    busy, message = view(configured)["Now"]
    assert busy.tone is Tone.BUSY
    assert busy.text.startswith("uploading reflection.duckdb [")
    assert message == Line("retry 1 in 2 s: connection reset", Tone.WARNING)


def test_a_setting_in_doubt_hides_where_uploads_go(configured: Home) -> None:
    configured.configure(akosha_cloud_bucket="Not A Bucket")
    shown = view(configured)
    assert shown["Backup"][0].tone is Tone.PROBLEM
    assert shown["To"] == [Line("unknown: the settings have a problem (see below)")]


def test_an_upload_that_was_never_verified_says_how(configured: Home) -> None:
    assert not view(configured)["Last verified"]
    leave_receipt(configured.paths, 1)
    (line,) = view(configured)["Last verified"]
    assert line.text.startswith("never: akosha-hook verify")


def test_a_verification_that_failed_is_a_problem_with_a_hint(configured: Home) -> None:
    last = Verification(at="2026-01-01T00:00:00+00:00", success=False, error="gone", hint="look")
    files.write_json(configured.paths.verification, last)
    problem, hint = view(configured)["Last verified"]
    assert (problem.text.rpartition(": ")[2], problem.tone) == ("gone", Tone.PROBLEM)
    assert hint == Line("Try: look", Tone.HINT)


@pytest.mark.parametrize(
    ("pruning", "text", "tone"),
    [
        (Pruning(at=0.0, success=True, uploads_removed=1, freed_bytes=2_000), "1 upload", Tone.OK),
        (Pruning(at=0.0, success=False, error="denied"), "denied", Tone.WARNING),
    ],
)
def test_the_last_prune_is_shown(configured: Home, pruning: Pruning, text: str, tone: Tone) -> None:
    files.write_json(configured.paths.prune, pruning)
    line = view(configured)["Last prune"][0]
    assert text in line.text
    assert line.tone is tone


def test_a_finding_is_shown_with_what_to_type() -> None:
    lines = list(finding_lines(Finding("Bucket", "put", "problem", "denied", "allow it")))
    assert lines == [
        Line("Bucket put: denied", Tone.PROBLEM),
        Line("Try: allow it", Tone.HINT),
    ]


@pytest.mark.parametrize(
    ("changes", "tone", "text"),
    [
        ({}, Tone.OK, "the last upload is in the bucket, with all that it needs"),
        ({"lost": ("k",)}, Tone.PROBLEM, "1 object of the last upload no longer in the bucket"),
        ({"upload_id": "x", "lost": ("k",)}, Tone.WARNING, "1 object lost of x; uploaded again"),
        ({"verified": False}, Tone.DIM, "not verified, since the keys may not look at objects"),
        ({"error": "no network"}, Tone.WARNING, "it could not be made: no network"),
    ],
    ids=["there", "lost", "sent again since", "not verified", "not made"],
)
def test_the_last_look_is_shown(
    configured: Home, changes: dict[str, object], tone: Tone, text: str
) -> None:
    last = leave_receipt(configured.paths, 1)
    assert not view(configured)["Last look"]
    look = Look(at=time.time() - 7200, upload_id=last.upload_id, objects=3)
    looks.remember(configured.paths, CLOUD, msgspec.structs.replace(look, **changes))
    line = view(configured)["Last look"][0]
    assert line.tone is tone
    assert line.text.startswith(f"2 h ago: {text}")


def test_what_the_bucket_lost_leads_the_view(configured: Home) -> None:
    assert configured.akosha_hook("install").returncode == 0
    last = leave_receipt(configured.paths, 1)
    looks.remember(configured.paths, CLOUD, Look(at=0.0, upload_id=last.upload_id, lost=("k",)))
    (line,) = view(configured)["Backup"]
    assert line.tone is Tone.PROBLEM
    assert "the bucket lost some of the last upload" in line.text


def test_a_database_outside_the_data_directory_is_shown(
    configured: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_BUDDY_DATABASE_PATH", "/srv/reflection.duckdb")
    shown = [each.text for each in view(configured)["From"]]
    assert shown == [str(configured.paths.data), "/srv/reflection.duckdb"]
