"""The sets of files: how many files each has, and what is in their folders and not backed up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding
from akosha_hook.snapshot import tree
from akosha_hook.snapshot.sets import included

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.snapshot.sets import FileSet
    from akosha_hook.snapshot.tree import Member

AREA = "Files"


def findings(context: Context) -> Iterator[Finding]:
    """A finding for each set that is backed up."""
    for each in included(context.loaded.settings, context.paths):
        yield _finding(each)


def _finding(files: FileSet) -> Finding:
    found = tree.listing(files)
    members: list[Member] = []
    denied: list[Member] = []
    for each in found.members:
        (members if os.access(files.root / each.name, os.R_OK) else denied).append(each)
    left_out = [
        *found.left_out,
        *(tree.LeftOut(each.name, "permission denied", failed=True) for each in denied),
    ]
    size = sum(each.fingerprint.size for each in members)
    count = len(members)
    detail = f"{count:,} file{'' if count == 1 else 's'}, {size / 1e6:.1f} MB in {files.root}"
    if not left_out:
        return Finding(AREA, files.name, "ok", detail)
    named = "; ".join(tree.lines(left_out))
    fix = "move the files themselves there, or do without them"
    if any(each.failed for each in left_out):
        fix = "give yourself read permission (chmod u+r)"
    return Finding(AREA, files.name, "warning", f"{detail}; {named}", fix)
