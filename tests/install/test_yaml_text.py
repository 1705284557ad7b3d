"""A hook manager's configuration may come with a clone: whatever it holds, one error says so."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akosha_hook.errors import AkoshaHookError
from akosha_hook.install import lefthook, precommit, yaml_text


def _bomb() -> bytes:
    """A billion of strings, by aliases."""
    lines = [b"a: &a [x,x,x,x,x,x,x,x,x]"]
    for before, name in zip(b"abcdefgh", b"bcdefghi", strict=True):
        lines.append(b"%c: &%c [%s]" % (name, name, b",".join([b"*%c" % before] * 9)))
    return b"\n".join(lines) + b"\n"


HOSTILE = {
    "bomb": _bomb(),
    "flow depth": b"[" * 5000,
    "block depth": b"- " * 5000,
    "mapping depth": b"{a: " * 5000,
    "number": b"repos: []\nx: " + b"9" * 20_000,
    "date": b"repos: []\nx: 2001-99-99\n",
    "code": b"!!python/object/apply:os.system ['true']\n",
    "merge": b"repos: []\n<<: 3\n",
    "length": b"# " + b"x" * yaml_text.MAX_BYTES,
    "no text": b"\xff\xfe\x00",
    "control": b"\0" * 100,
}


def added(data: bytes) -> None:
    """Each of those who read such a file gives a document, or an error of ours."""
    for add in (precommit.add, lambda text: lefthook.add(Path("lefthook.yml"), text)):
        with contextlib.suppress(AkoshaHookError):
            assert add(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_configuration_is_one_error(name: str) -> None:
    added(HOSTILE[name])
    with pytest.raises(AkoshaHookError):
        precommit.add(HOSTILE[name])


@settings(max_examples=80)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(alphabet="ab:-[]{}&*!|>#'\"\n\t 0123456789.~<=?%@`,", max_size=60).map(str.encode),
        st.lists(
            st.sampled_from(
                [
                    "repos:",
                    "- repo: local",
                    "  hooks:",
                    "  - id: akosha-sync",
                    "post-commit:",
                    "  commands:",
                    "  jobs: 5",
                    "default_install_hook_types: 3",
                    "? x",
                    "x: &a *a",
                ]
            ),
            max_size=6,
        ).map(lambda lines: "\n".join(lines).encode()),
    )
)
def test_whatever_a_configuration_holds_is_kept_or_one_error(data: bytes) -> None:
    added(data)
