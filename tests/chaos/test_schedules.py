"""Any schedule of events, changes, kills and faults ends with the last state stored, and no litter."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.chaos.schedules import FAULTS, OPERATIONS, SIZES, Chaos
from tests.support.faulty_home import FaultyHome
from tests.support.s3 import make_bucket

EXAMPLES = int(os.environ.get("AKOSHA_TEST_EXAMPLES", "6"))

Step = Callable[[Chaos], None]
operations = st.sampled_from(OPERATIONS)
few = st.integers(1, 3)


def _kill(operation: str, first: int, carried_out: bool) -> Step:
    return lambda chaos: chaos.kill(operation, first, carried_out=carried_out)


def _fault(kind: str, operation: str, first: int, times: int) -> Step:
    return lambda chaos: chaos.fault(kind, operation, first, times)


def _change(size: int) -> Step:
    return lambda chaos: chaos.change(size)


steps: st.SearchStrategy[Step] = st.one_of(
    st.just(Chaos.event),
    st.just(Chaos.work),
    st.just(Chaos.by_hand),
    st.just(Chaos.recover),
    st.just(Chaos.touch),
    st.builds(_change, st.sampled_from(SIZES)),
    st.builds(_fault, st.sampled_from(sorted(FAULTS)), operations, few, st.integers(1, 5)),
    st.builds(_kill, operations, few, st.booleans()),
)


@examples(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(
    schedule=st.lists(steps, min_size=3, max_size=10),
    stored_before=st.booleans(),
    compression=st.booleans(),
)
def test_whatever_happens_the_last_state_is_stored(
    any_faulty_home: FaultyHome, schedule: list[Step], stored_before: bool, compression: bool
) -> None:
    """Where something was stored before, later uploads build on it: deltas and references."""
    start_over(any_faulty_home, compression=compression)
    chaos = Chaos(any_faulty_home)
    chaos.begin()
    if stored_before:
        chaos.by_hand()
        chaos.touch()
    for step in schedule:
        step(chaos)
    chaos.finish()


REFERRING = ("HeadObject", "PutObject", "PutManifest")


@pytest.mark.parametrize("operation", REFERRING)
@pytest.mark.parametrize("kind", ["reset", "lost-answer"])
def test_deltas_and_references_stand_faults_and_kills(
    any_faulty_home: FaultyHome, operation: str, kind: str
) -> None:
    """Of every change since the first upload a delta is made, and of the other file a reference."""
    start_over(any_faulty_home, compression=True)
    chaos = Chaos(any_faulty_home)
    chaos.begin()
    chaos.by_hand()
    for carried_out in (False, True):
        chaos.touch()
        chaos.fault(kind, operation, 1, 2)
        chaos.by_hand()
        chaos.recover()
        chaos.touch()
        chaos.kill(operation, 1, carried_out=carried_out)
        chaos.by_hand()
    chaos.finish()
    assert chaos.counts.kills == 2
    later = len(any_faulty_home.manifests()) - 1
    assert later >= 4
    assert (chaos.counts.deltas, chaos.counts.references) == (later, later)


def start_over(any_faulty_home: FaultyHome, *, compression: bool) -> None:
    """An empty bucket, and no state."""
    shutil.rmtree(any_faulty_home.paths.state, ignore_errors=True)
    any_faulty_home.network.heal()
    any_faulty_home.bucket = make_bucket(
        any_faulty_home.store.server, f"memories-{uuid.uuid4().hex[:12]}"
    )
    any_faulty_home.configure(
        akosha_cloud_bucket=any_faulty_home.bucket.name,
        akosha_enable_delta=True,
        akosha_enable_compression=compression,
    )
