"""Our commands in lefthook's configuration, and the configuration without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.install import lefthook

CONFIGS = {
    "lefthook.yml": b"# theirs\npost-commit:\n  commands:\n    theirs:\n      run: 'true'  # so\n",
    "lefthook.yaml": b"post-merge:\n  jobs:\n    - run: theirs\n",
    "lefthook.json": b'{\n  "post-commit": {"commands": {"theirs": {"run": "true"}}}\n}\n',
}


@pytest.mark.parametrize("name", CONFIGS)
def test_adding_and_removing_gives_the_same_bytes(name: str) -> None:
    data = CONFIGS[name]
    added = lefthook.add(Path(name), data)
    assert added.count(b"akosha-hook") >= 3
    assert lefthook.add(Path(name), added) == added
    assert lefthook.remove(Path(name), added, data) == data
