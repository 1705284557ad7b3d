"""Our hook in a `.pre-commit-config.yaml`, and the configuration without it."""

from __future__ import annotations

import pytest

from akosha_hook.install import precommit
from akosha_hook.install.yaml_text import YAMLTextError

PLAIN = b"# theirs\nrepos:\n- repo: local\n  hooks:\n  - id: theirs  # so\n"


@pytest.mark.parametrize(
    "data", [PLAIN, b"default_install_hook_types: [pre-commit, post-merge]\n" + PLAIN]
)
def test_adding_and_removing_gives_the_same_bytes(data: bytes) -> None:
    added = precommit.add(data)
    assert b"akosha-sync" in added
    assert precommit.add(added) == added
    assert precommit.remove(added, data) == data


@pytest.mark.parametrize("data", [b"[]\n", b"repos: 3\n", b"default_install_hook_types: x\n"])
def test_another_document_is_refused(data: bytes) -> None:
    with pytest.raises(YAMLTextError, match="is not a pre-commit configuration"):
        precommit.add(data)
