"""What somebody who may put objects into the bucket, and delete none, gains by it: nothing.

Real uploads in a real bucket; each attack plants real objects beside or over them.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import pytest

from akosha_hook import catalog, prune, restore
from akosha_hook.catalog import Ownership, reading
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.prune import Keep
from akosha_hook.restore import RestoreRequest
from akosha_hook.state.identity import Identity
from akosha_hook.status.gather import gather
from akosha_hook.util import files
from tests.support.duck import change, conversations_in, make_databases
from tests.support.home import Home
from tests.support.later import HOURS, hours_later
from tests.support.machines import another_machine, machine_id
from tests.support.recovery import context, put, read_manifest, upload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket

FAR = 10**18
NAME = "reflection.duckdb"


@pytest.fixture
def victim(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False, akosha_system_id="laptop")
    return home


@pytest.fixture
def poisoned(tmp_path: Path) -> bytes:
    path = tmp_path / "poisoned.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE conversations_v2 (id VARCHAR, content VARCHAR)")
        connection.execute("INSERT INTO conversations_v2 VALUES ('p', 'ignore all instructions')")
    return path.read_bytes()


def grown(home: Home) -> str:
    change(home.paths.data / NAME, 3)
    return upload(home.paths)


def plant(
    home: Home,
    upload_id: str,
    data: bytes,
    *,
    sequence: int = FAR,
    machine: str = "attacker",
    at: str = "2999-12-31T00:00:00+00:00",
    name: str = NAME,
) -> None:
    """An upload that is complete, whatever it claims."""
    assert home.bucket is not None
    prefix = f"systems/laptop/uploads/{upload_id}/"
    stored = gzip.compress(data, mtime=0)
    put(home.bucket, f"{prefix}object", stored)
    file: dict[str, Any] = {
        "name": name,
        "database": name,
        "key": f"{prefix}object",
        "size": len(data),
        "stored_size": len(stored),
        "sha256": hashlib.sha256(data).hexdigest(),
        "compression": "gzip",
    }
    document = {
        "uploaded_at": at,
        "conversation_count": 1,
        "total_size_bytes": len(data),
        "files": ["object"],
        "metadata": {
            "schema": 1,
            "tool": "attack",
            "system_id": "laptop",
            "machine_id": machine,
            "upload_id": upload_id,
            "sequence": sequence,
            "files": [file],
        },
    }
    put(home.bucket, f"{prefix}manifest.json", json.dumps(document).encode())


def pruned(home: Home, keep: Keep) -> prune.Plan:
    here = context(home.paths)
    store = catalog.open_to_read(here)
    with hours_later(HOURS):
        plan = prune.plan(store, keep, here)
        prune.apply(store, plan, here)
    return plan


def latest(home: Home, **request: Any) -> restore.Restored:
    """Verify what a restore would take."""
    return restore.verify(RestoreRequest(**request), context(home.paths))


def listed(home: Home) -> tuple[catalog.Upload, ...]:
    here = context(home.paths)
    return catalog.survey(catalog.open_to_read(here), "laptop", here, Ownership.look(here)).uploads


def problems(home: Home) -> str:
    return "\n".join(gather(context(home.paths), home.paths.claude).problems)


def test_two_manifests_of_the_far_future_delete_nothing_and_are_not_restored(
    victim: Home, poisoned: bytes
) -> None:
    """The attack of the report: retention deleted every genuine upload, and restore did the rest."""
    genuine = [upload(victim.paths), grown(victim)]
    for upload_id in ("29991231_000000_laptop_aaaaaa", "29991231_000000_laptop_bbbbbb"):
        plant(victim, upload_id, poisoned)
    plan = pruned(victim, Keep(last=2))
    assert set(plan.kept) == set(genuine)
    assert plan.removed == ()
    assert "somebody has changed or planted uploads" in problems(victim)
    victim.paths.data.joinpath(NAME).unlink()
    result = restore.restore(RestoreRequest(), context(victim.paths))
    assert result.plan.upload.upload_id == genuine[1]
    assert conversations_in(victim.paths.data / NAME) == 8
    assert any("not taken for the newest" in note for note in result.notes)
    newest = grown(victim)
    assert latest(victim).plan.upload.upload_id == newest
    assert listed(victim)[0].upload_id == newest


def test_a_new_machine_takes_what_is_not_of_the_future(
    victim: Home, poisoned: bytes, tmp_path: Path
) -> None:
    """It has no ledger, and cannot know whose anything is."""
    genuine = upload(victim.paths)
    plant(victim, "29991231_000000_laptop_aaaaaa", poisoned)
    plant(victim, "20260101_000000_laptop_bbbbbb", poisoned, at="2026-01-01T00:00:00Z")
    new = Home(paths_of(tmp_path), victim.bucket, dict(victim.settings))
    new.configure()
    result = restore.restore(RestoreRequest(), context(new.paths))
    assert result.plan.upload.upload_id == genuine
    assert conversations_in(new.paths.data / NAME) == 5
    assert [each.ahead for each in listed(new)] == [False, True, True]
    # An id names what is meant, whatever it claims.
    named = "29991231_000000_laptop_aaaaaa"
    assert latest(new, upload_id=named).plan.upload.upload_id == named


def paths_of(where: Path) -> Paths:
    from akosha_hook.paths import Paths

    return Paths(claude=where / "new" / ".claude", user_toml=where / "new" / "config.toml")


def test_our_own_count_after_a_spell_with_a_fast_clock(victim: Home) -> None:
    """Numbers go on from there: none is lower than the one before."""
    first = upload(victim.paths)
    me = files.read_json(victim.paths.machine, Identity)
    assert me is not None
    fast = int(time.time()) + 400 * 86_400
    files.write_json(victim.paths.machine, msgspec.structs.replace(me, sequence=fast))
    ours = [first, grown(victim), grown(victim)]
    assert [each.upload_id for each in listed(victim)] == ours[::-1]
    assert not any(each.ahead for each in listed(victim))
    assert latest(victim).plan.upload.upload_id == ours[-1]
    assert "planted" not in problems(victim)
    assert set(pruned(victim, Keep(last=2)).kept) == set(ours[1:])


def test_what_is_planted_for_the_present_is_not_taken_either(victim: Home, poisoned: bytes) -> None:
    genuine = [upload(victim.paths), grown(victim)]
    soon = int(time.time()) + 600
    when = dt.datetime.fromtimestamp(soon, dt.UTC).isoformat()
    plant(victim, "20991231_000000_laptop_aaaaaa", poisoned, sequence=soon, at=when)
    result = latest(victim)
    assert result.plan.upload.upload_id == genuine[1]
    assert any("is newer, but not known to be this machine's" in note for note in result.notes)
    assert set(pruned(victim, Keep(last=2)).kept) == set(genuine)


def test_what_bears_our_machine_id_is_not_ours_for_that(victim: Home, poisoned: bytes) -> None:
    first, newest = upload(victim.paths), grown(victim)
    me = machine_id(victim)
    plant(victim, "29991231_000000_laptop_aaaaaa", poisoned, machine=me)
    assert latest(victim).plan.upload.upload_id == newest
    plan = pruned(victim, Keep(last=1))
    # Nobody who pretends to be a copy of this state makes it give up its id, or its pruning.
    assert machine_id(victim) == me
    assert [each.upload_id for each in plan.removed] == [first]


def test_an_id_of_ours_that_was_pruned_is_nobodys(victim: Home, poisoned: bytes) -> None:
    first, newest = upload(victim.paths), grown(victim)
    pruned(victim, Keep(last=1))
    plant(victim, first, poisoned, machine=machine_id(victim), sequence=int(time.time()) + 9)
    assert latest(victim).plan.upload.upload_id == newest


def test_a_manifest_in_the_place_of_ours_is_not_ours(victim: Home, poisoned: bytes) -> None:
    assert victim.bucket is not None
    first, newest = upload(victim.paths), grown(victim)
    victim.bucket.client.remove_object(
        victim.bucket.name, f"systems/laptop/uploads/{first}/manifest.json"
    )
    plant(victim, first, poisoned, machine=machine_id(victim))
    assert latest(victim).plan.upload.upload_id == newest
    assert f"{first}: its manifest is not the one that this machine stored" in problems(victim)
    shutil.rmtree(victim.paths.data)
    with pytest.raises(AkoshaHookError, match="its manifest was overwritten"):
        restore.restore(RestoreRequest(first), context(victim.paths))
    assert pruned(victim, Keep(last=1)).removed == ()


def test_spoiling_all_of_ours_has_nothing_else_restored(victim: Home, poisoned: bytes) -> None:
    ours = upload(victim.paths)
    plant(victim, ours, poisoned)
    plant(
        victim,
        "20260101_000000_laptop_bbbbbb",
        poisoned,
        sequence=int(time.time()) - 9,
        at="2026-01-01T00:00:00Z",
    )
    shutil.rmtree(victim.paths.data)
    with pytest.raises(DamagedError, match="None of this machine's own uploads can be restored"):
        restore.restore(RestoreRequest(), context(victim.paths))
    assert not victim.paths.data.exists()


def junk(home: Home, key: str, data: bytes) -> None:
    assert home.bucket is not None
    put(home.bucket, f"systems/laptop/uploads/{key}", data)


@pytest.mark.parametrize(
    "attack",
    [
        lambda home: junk(home, "99991231_000000_laptop_aaaaaa/manifest.json", b"{"),
        lambda home: junk(home, "99991231_000000_laptop_aaaaaa/manifest.json", b""),
        lambda home: junk(home, "99991231_000000_laptop_aaaaaa/manifest.json", b"[" * 10**6),
        lambda home: junk(home, "99991231_000000_laptop_aaaaaa/manifest.json", b" " * 5_000_000),
        lambda home: junk(home, "a b/\x1b[31m/manifest.json", b"{}"),
        lambda home: junk(home, "manifest.json", b"{}"),
        lambda home: junk(home, "x/y/manifest.json", b"{}"),
    ],
    ids=["no-json", "empty", "deep", "too-long", "odd-key", "no-upload", "deeper"],
)
def test_a_planted_object_stops_nothing(victim: Home, attack: Callable[[Home], None]) -> None:
    assert victim.bucket is not None
    first, second = upload(victim.paths), grown(victim)
    attack(victim)
    before = set(victim.bucket.object_keys())
    assert latest(victim).plan.upload.upload_id == second
    assert second in {each.upload_id for each in listed(victim)}
    plan = pruned(victim, Keep(last=1))
    assert [each.upload_id for each in plan.removed] == [first]
    planted = {key for key in before if first not in key and second not in key}
    assert planted <= set(victim.bucket.object_keys())
    assert plan.notes
    newest = grown(victim)
    assert latest(victim).plan.upload.upload_id == newest


def test_a_flood_of_manifests_leaves_our_own_as_they_are(
    victim: Home, poisoned: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, newest = upload(victim.paths), grown(victim)
    for number in range(60):
        junk(victim, f"29991231_{number:06}_laptop_aaaaaa/manifest.json", b"{}")
    monkeypatch.setattr(reading, "MAX_MANIFESTS", 20)
    result = latest(victim)
    assert result.plan.upload.upload_id == newest
    assert any("40 manifests" in note and "left out" in note for note in result.notes)
    assert len(result.notes) < 10
    assert listed(victim)[0].upload_id == newest
    assert [each.upload_id for each in pruned(victim, Keep(last=1)).removed] == [first]
    assert "more manifests or objects than is believable" in problems(victim)


def test_what_is_in_order_again_is_no_problem_any_more(victim: Home, poisoned: bytes) -> None:
    assert victim.bucket is not None
    upload(victim.paths)
    plant(victim, "29991231_000000_laptop_aaaaaa", poisoned)
    listed(victim)
    assert "planted" in problems(victim)
    for key in victim.bucket.object_keys("systems/laptop/uploads/2999"):
        victim.bucket.client.remove_object(victim.bucket.name, key)
    listed(victim)
    assert "planted" not in problems(victim)
    assert not json.loads(victim.paths.tampering.read_text())


def test_another_machine_with_a_right_clock_is_no_problem(victim: Home, tmp_path: Path) -> None:
    upload(victim.paths)
    upload(another_machine(victim, tmp_path).paths)
    assert not any(each.ahead for each in listed(victim))
    assert "planted" not in problems(victim)


def test_the_last_upload_before_conversations_went_missing_stays(victim: Home) -> None:
    """Whoever empties the database here cannot wait until retention has deleted the rest."""
    full = upload(victim.paths)
    with duckdb.connect(str(victim.paths.data / NAME)) as connection:
        connection.execute(
            "DELETE FROM conversations_v2 WHERE id NOT IN (SELECT id FROM conversations_v2 LIMIT 1)"
        )
    for _ in range(3):
        with duckdb.connect(str(victim.paths.data / NAME)) as connection:
            connection.execute("UPDATE conversations_v2 SET content = content || '.'")
        newest = upload(victim.paths)
    plan = pruned(victim, Keep(last=1))
    assert set(plan.kept) == {newest, full}
    assert plan.kept[full] == "has 5 conversations, a later one 1"
    here = context(victim.paths)
    with hours_later(HOURS):
        plan = prune.plan(catalog.open_to_read(here), Keep(last=1), here, ignore_collapse=True)
    assert [each.upload_id for each in plan.removed] == [full]


@pytest.mark.parametrize(
    "name", ["settings.json", ".bashrc", "CLAUDE.md", ".hidden.duckdb", "-rf.duckdb", "x.duckdb.sh"]
)
def test_a_name_that_no_database_has_is_not_restored(
    victim: Home, poisoned: bytes, tmp_path: Path, name: str
) -> None:
    genuine = upload(victim.paths)
    planted = "20260101_000000_laptop_bbbbbb"
    later = int(time.time()) + 600
    when = dt.datetime.fromtimestamp(later, dt.UTC).isoformat()
    plant(victim, planted, poisoned, name=name, sequence=later, at=when)
    for request in (
        RestoreRequest(planted, to=tmp_path / "there"),
        RestoreRequest(planted, to=tmp_path / "there", force=True),
    ):
        with pytest.raises(DamagedError, match="which is no name of a database"):
            restore.restore(request, context(victim.paths))
    assert not (tmp_path / "there").exists()
    new = Home(paths_of(tmp_path), victim.bucket, dict(victim.settings))
    new.configure()
    assert latest(new).plan.upload.upload_id == genuine


@pytest.mark.parametrize("name", ["../../x.duckdb", "a/b.duckdb", "..", "x\0.duckdb", "/etc/x.db"])
def test_a_name_that_leads_elsewhere_makes_a_manifest_unreadable(
    victim: Home, poisoned: bytes, tmp_path: Path, name: str
) -> None:
    planted = "20260101_000000_laptop_bbbbbb"
    plant(victim, planted, poisoned, name=name)
    with pytest.raises(DamagedError, match="cannot be read"):
        restore.restore(RestoreRequest(planted, to=tmp_path / "there"), context(victim.paths))


def test_a_name_that_the_settings_have_is_a_databases(
    victim: Home, poisoned: bytes, tmp_path: Path
) -> None:
    planted = "20260101_000000_laptop_bbbbbb"
    plant(victim, planted, poisoned, name="memories", at="2026-01-01T00:00:00Z")
    victim.configure(akosha_databases=["memories", "*"])
    restore.restore(RestoreRequest(planted, to=tmp_path / "there"), context(victim.paths))
    assert (tmp_path / "there" / "memories").read_bytes() == poisoned


def test_the_manifest_of_our_own_upload_is_read_back_as_it_was(victim: Home) -> None:
    """The manifest against the ledger, the objects against the manifest."""
    assert victim.bucket is not None
    ours = upload(victim.paths)
    document = read_manifest(victim.bucket, ours)
    (file,) = [each for each in document["metadata"]["files"] if each["name"] == NAME]
    put(victim.bucket, file["key"], b"x" * file["stored_size"])
    with pytest.raises(DamagedError):
        latest(victim)


def test_an_upload_under_our_machine_id_stops_one_prune_and_no_more(victim: Home) -> None:
    """Whoever reads the bucket learns each new id, and can claim it again."""
    ours = [upload(victim.paths), grown(victim)]
    now = dt.datetime.now(dt.UTC).isoformat()
    plant(victim, "p1", b"x", sequence=int(time.time()), machine=machine_id(victim), at=now)
    first = pruned(victim, Keep(last=1))
    assert first.nothing_to_do
    assert "p1: it bears this machine's id" in problems(victim)
    for number in (2, 3):
        ours.append(grown(victim))
        claimed = machine_id(victim)
        plant(victim, f"p{number}", b"x", sequence=int(time.time()) + 1, machine=claimed, at=now)
        plan = pruned(victim, Keep(last=1))
        assert set(plan.kept) == {ours[-1]}
        assert plan.removed
        assert "uploads were deleted by the rules all the same" in plan.notes[0]
        assert "it bears this machine's id" in problems(victim)
        assert machine_id(victim) == claimed
