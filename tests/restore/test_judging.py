"""What is put in place only where the user insists."""

from __future__ import annotations

import pytest

from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.restore.check import Check
from akosha_hook.restore.judging import judged

DAMAGED = Check("block 7")
UNCHECKED = Check("too new", checked=False)
MACRO = Check(carries=("the macro lower",))


def test_a_database_without_a_finding_passes_in_silence() -> None:
    assert judged({"a.duckdb": Check()}, force=False) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (DAMAGED, "DuckDB finds it damaged: block 7"),
        (UNCHECKED, "it was not checked: too new"),
        (MACRO, "carries the macro lower, which would run in Session-Buddy"),
        (Check("page 7", engine="SQLite"), "SQLite finds it damaged: page 7"),
        (Check("block 7", carries=("the view v",)), "damaged"),
    ],
)
def test_a_finding_needs_force(found: Check, said: str) -> None:
    with pytest.raises(AkoshaHookError, match=said) as caught:
        judged({"a.duckdb": Check(), "b.duckdb": found}, force=False)
    assert isinstance(caught.value, DamagedError) == found.is_damaged
    assert caught.value.message.startswith("b.duckdb ")
    assert "--force" in caught.value.hint


def test_what_may_help_is_of_the_program_that_could_not_check() -> None:
    for engine, hint in (("DuckDB", "pip install -U duckdb"), ("SQLite", "A newer Python")):
        unchecked = Check("too new", checked=False, engine=engine, hint="A newer Python has more.")
        with pytest.raises(AkoshaHookError) as caught:
            judged({"a.db": unchecked}, force=False)
        assert caught.value.hint.startswith(hint)
        assert "--force" in caught.value.hint


def test_what_was_forced_is_noted() -> None:
    notes = judged({"a.duckdb": DAMAGED, "b.duckdb": UNCHECKED, "c.duckdb": MACRO}, force=True)
    assert notes == [
        "a.duckdb: block 7",
        "b.duckdb: not checked: too new",
        "c.duckdb: carries the macro lower",
    ]
