from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.state import block_hashes

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

KEY = "systems/laptop/uploads/20261122_120000_laptop/reflection.duckdb"
MISSING = "systems/laptop/uploads/20261122_120000_laptop/other.duckdb"
SIZE = 4_096 + 100


def test_block_hashes_are_kept_for_one_very_file(paths: Paths) -> None:
    hashes = b"0123456789abcdef" * 2
    paths.receipts.mkdir(parents=True)
    block_hashes.save(paths, KEY, sha256="ab" * 32, size=SIZE, hashes=hashes)
    assert block_hashes.load(paths, KEY, sha256="ab" * 32, size=SIZE) == hashes
    assert block_hashes.load(paths, MISSING, sha256="ab" * 32, size=SIZE) is None
    assert block_hashes.load(paths, KEY, sha256="cd" * 32, size=SIZE) is None
    path = block_hashes.path_of(paths, KEY)
    assert path.with_name(path.name + ".corrupt").exists()
