"""State files truncated at any byte: set aside and rebuilt, and no memory is lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from akosha_hook import settings
from akosha_hook.settings.fields import Settings
from akosha_hook.state import backoff, identity, notice, progress_file
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import select as selection
from tests.support.faults import error
from tests.support.faulty_home import MIB, FaultyHome

EXAMPLES = int(os.environ.get("AKOSHA_TEST_EXAMPLES", "5"))


STATE_FILES = (
    "machine.json",
    "backoff.json",
    "progress.json",
    "notice.json",
    "regions.json",
    "receipts/done",
    "receipts/uploading",
    "receipts/journal",
    "snapshot.json",
)


@examples(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(STATE_FILES),
    share=st.floats(0, 1, exclude_max=True),
)
@example(name="receipts/uploading", share=0.0)
@example(name="receipts/uploading", share=0.9)
@example(name="receipts/journal", share=0.0)
@example(name="receipts/journal", share=0.9)
@example(name="snapshot.json", share=0.5)
@example(name="machine.json", share=0.5)
def test_a_state_file_cut_at_any_byte_is_set_aside_and_rebuilt(
    faulty_home: FaultyHome, name: str, share: float
) -> None:
    """The state is that of an upload that was cut off after another had succeeded."""
    me = a_past(faulty_home)
    path = _state_file(faulty_home, name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int((len(whole) - 2) * share)])
    newest = faulty_home.write(MIB, seed=4)
    faulty_home.happen()
    faulty_home.run_loop()
    assert faulty_home.stored() == {"reflection.duckdb": newest}
    assert identity.load(faulty_home.paths, _settings(faulty_home)).machine_id == me.machine_id
    assert faulty_home.manifests()[-1]["metadata"]["machine_id"] == me.machine_id
    faulty_home.every_manifest_is_whole()
    faulty_home.nothing_is_left()


def a_past(faulty_home: FaultyHome) -> identity.Identity:
    """One success, then an upload that lacks its manifest, a backoff that is over, a notice."""
    shutil.rmtree(faulty_home.paths.state, ignore_errors=True)
    for key in faulty_home.store.object_keys():  # of the example before, by another machine id
        faulty_home.store.client.remove_object(faulty_home.store.name, key)
    faulty_home.configure(akosha_max_retries=0)
    faulty_home.write(MIB, seed=2)
    assert faulty_home.sync().success
    faulty_home.write(MIB, seed=3)
    faulty_home.network.on("PutManifest", fault=error(503, "SlowDown"))
    assert not faulty_home.sync().success
    faulty_home.network.heal()
    values = _settings(faulty_home)
    me = identity.load(faulty_home.paths, values)
    target = selection.target_of(values, "cloud", me.system_id)
    # As after a change of credentials: due at once.
    backoff.failed(faulty_home.paths, target, "test", "another hash")
    notice.leave(faulty_home.paths, "something went wrong")
    faulty_home.paths.regions.write_text('{"host bucket": "us-east-1"}')
    return me


def _settings(faulty_home: FaultyHome) -> Settings:
    return settings.load_strict(dict(os.environ), faulty_home.paths).settings


def _state_file(faulty_home: FaultyHome, name: str) -> Path:
    if name == "snapshot.json":
        return next(faulty_home.paths.snapshots.glob("*/snapshot.json"))
    if name == "receipts/journal":
        return next(faulty_home.paths.receipts.glob("*.journal"))
    _, _, state = name.partition("/")
    if not state:
        progress_file.ProgressFile(faulty_home.paths).idle()
        return faulty_home.paths.state / name
    receipt = next(each for each in faulty_home.receipts() if each.state == state)
    return Receipts(faulty_home.paths).path_of(receipt.upload_id)
