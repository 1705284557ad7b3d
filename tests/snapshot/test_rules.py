"""Every kind has rules, in a module of its name."""

from __future__ import annotations

from typing import get_args

from akosha_hook.format.manifest import SIDECARS_OF
from akosha_hook.snapshot.kinds import Kind
from akosha_hook.snapshot.rules import RULES


def test_every_kind_has_rules_and_sidecars() -> None:
    assert set(RULES) == set(get_args(Kind))
    assert {rules.kind for rules in RULES.values()} == set(RULES)
    assert set(RULES) <= set(SIDECARS_OF)
