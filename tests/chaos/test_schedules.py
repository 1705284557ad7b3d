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

from tests.chaos.schedules import FAULTS, OPERATIONS, SIZES, Ordeal
from tests.chaos.support import Patient
from tests.support.s3 import make_bucket

EXAMPLES = int(os.environ.get("AKOSHA_TEST_EXAMPLES", "6"))

Step = Callable[[Ordeal], None]
operations = st.sampled_from(OPERATIONS)
few = st.integers(1, 3)


def _kill(operation: str, first: int, carried_out: bool) -> Step:
    return lambda ordeal: ordeal.kill(operation, first, carried_out=carried_out)


def _fault(kind: str, operation: str, first: int, times: int) -> Step:
    return lambda ordeal: ordeal.fault(kind, operation, first, times)


def _change(size: int) -> Step:
    return lambda ordeal: ordeal.change(size)


steps: st.SearchStrategy[Step] = st.one_of(
    st.just(Ordeal.event),
    st.just(Ordeal.work),
    st.just(Ordeal.by_hand),
    st.just(Ordeal.recover),
    st.just(Ordeal.touch),
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
    any_patient: Patient, schedule: list[Step], stored_before: bool, compression: bool
) -> None:
    """Where something was stored before, later uploads lean on it: deltas and references."""
    start_over(any_patient, compression=compression)
    ordeal = Ordeal(any_patient)
    ordeal.begin()
    if stored_before:
        ordeal.by_hand()
        ordeal.touch()
    for step in schedule:
        step(ordeal)
    ordeal.finish()


LEANING = ("HeadObject", "PutObject", "PutManifest")


@pytest.mark.parametrize("operation", LEANING)
@pytest.mark.parametrize("kind", ["reset", "lost-answer"])
def test_deltas_and_references_stand_faults_and_kills(
    any_patient: Patient, operation: str, kind: str
) -> None:
    """Of every change since the first upload a delta is made, and of the other file a reference."""
    start_over(any_patient, compression=True)
    ordeal = Ordeal(any_patient)
    ordeal.begin()
    ordeal.by_hand()
    for carried_out in (False, True):
        ordeal.touch()
        ordeal.fault(kind, operation, 1, 2)
        ordeal.by_hand()
        ordeal.recover()
        ordeal.touch()
        ordeal.kill(operation, 1, carried_out=carried_out)
        ordeal.by_hand()
    ordeal.finish()
    assert ordeal.counts.kills == 2
    later = len(any_patient.manifests()) - 1
    assert later >= 4
    assert (ordeal.counts.deltas, ordeal.counts.references) == (later, later)


def start_over(any_patient: Patient, *, compression: bool) -> None:
    """An empty bucket, and no state."""
    shutil.rmtree(any_patient.paths.state, ignore_errors=True)
    any_patient.network.heal()
    any_patient.bucket = make_bucket(any_patient.store.server, f"memories-{uuid.uuid4().hex[:12]}")
    any_patient.configure(
        akosha_cloud_bucket=any_patient.bucket.name,
        akosha_enable_delta=True,
        akosha_enable_compression=compression,
    )
