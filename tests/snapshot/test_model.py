"""What stat proves of a file, and what it does not."""

from __future__ import annotations

from akosha_hook import snapshot


def test_a_young_fingerprint_proves_nothing_and_is_not_kept() -> None:
    now = 1_000_000_000_000_000_123
    old = snapshot.Fingerprint(1, now - 60_000_000, now - 60_000_000, 1)
    young = snapshot.Fingerprint(1, now - 40_000_000, now - 60_000_000, 1)
    coarse = snapshot.Fingerprint(1, now - now % 10**9, now - now % 10**9 - 10**9, 1)
    assert old.settled(now)
    assert not young.settled(now)
    assert not coarse.settled(now)
