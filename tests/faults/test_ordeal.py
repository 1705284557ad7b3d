"""Any schedule of events, changes, kills and faults ends with the last state stored, and no litter."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.faults.ordeal import FAULTS, OPERATIONS, SIZES, Ordeal
from tests.faults.support import Patient
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
@given(schedule=st.lists(steps, min_size=3, max_size=10))
def test_whatever_happens_the_last_state_is_stored(
    any_patient: Patient, schedule: list[Step]
) -> None:
    shutil.rmtree(any_patient.paths.state, ignore_errors=True)
    any_patient.network.heal()
    any_patient.bucket = make_bucket(any_patient.store.server, f"memories-{uuid.uuid4().hex[:12]}")
    any_patient.configure(akosha_cloud_bucket=any_patient.bucket.name, akosha_enable_delta=True)
    ordeal = Ordeal(any_patient)
    ordeal.begin()
    for step in schedule:
        step(ordeal)
    ordeal.finish()
