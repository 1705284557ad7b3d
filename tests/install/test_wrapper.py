"""Our block in a git hook is recognised in every form that we write."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.install import wrapper
from akosha_hook.install.shell import SHARED_SCRIPT, quoted

SCRIPT = Path('/home/a "b" $c/akosha-hook.sh')
FOREIGN = b"#!/bin/sh\nset -e\necho theirs\nexit 3\n"


@pytest.mark.parametrize("event", wrapper.EVENTS)
def test_a_hook_of_ours_alone_goes_with_its_block(event: str) -> None:
    data = wrapper.hook(quoted(SCRIPT), event).data
    assert wrapper.has_block(data)
    assert wrapper.named_script(data) == str(SCRIPT)
    assert wrapper.remove(data, None) is None


@pytest.mark.parametrize("event", wrapper.EVENTS)
def test_what_is_inserted_can_be_removed_again(event: str) -> None:
    data = wrapper.inserted(FOREIGN, SHARED_SCRIPT, event)
    assert wrapper.named_script(data) is None
    assert wrapper.remove(data, FOREIGN) == FOREIGN


def test_inserting_twice_changes_nothing() -> None:
    once = wrapper.inserted(FOREIGN, SHARED_SCRIPT, "post-commit")
    assert wrapper.inserted(once, SHARED_SCRIPT, "post-commit") == once


@pytest.mark.parametrize("write", [wrapper.hook, wrapper.chained])
def test_a_renewed_block_keeps_its_kind_and_what_is_around_it(write: object) -> None:
    assert callable(write)
    old = write(quoted(Path("/old/akosha-hook.sh")), "post-commit").data + b"echo theirs\n"
    new = write(quoted(SCRIPT), "post-commit").data + b"echo theirs\n"
    assert wrapper.renewed(old, quoted(SCRIPT), "post-commit") == new


@pytest.mark.parametrize(
    ("first", "shell"),
    [
        (b"#!/bin/sh", True),
        (b"#! /usr/bin/env bash", True),
        (b"#!/usr/bin/zsh -e", True),
        (b"#!/usr/bin/env python3", False),
        (b"#!/usr/bin/fish", False),
        (b"echo", False),
    ],
)
def test_shell_scripts_are_known_by_their_first_line(first: bytes, shell: bool) -> None:
    assert wrapper.is_shell(first + b"\n") is shell
