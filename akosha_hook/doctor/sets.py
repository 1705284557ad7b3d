"""The sets of files: how many files each has, and what is in their folders and not backed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding
from akosha_hook.snapshot import tree
from akosha_hook.snapshot.sets import included

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.snapshot.sets import FileSet

AREA = "Files"


def findings(context: Context) -> Iterator[Finding]:
    """A finding for each set that is backed up."""
    for each in included(context.loaded.settings, context.paths):
        yield _finding(each)


def _finding(files: FileSet) -> Finding:
    found = tree.listing(files)
    size = sum(each.fingerprint.size for each in found.members)
    count = len(found.members)
    detail = f"{count:,} file{'' if count == 1 else 's'}, {size / 1e6:.1f} MB in {files.root}"
    if not found.left_out:
        return Finding(AREA, files.name, "ok", detail)
    named = "; ".join(tree.lines(found.left_out))
    fix = "move the files themselves there, or do without them"
    if any(each.failed for each in found.left_out):
        fix = "give yourself read permission (chmod u+r)"
    return Finding(AREA, files.name, "warning", f"{detail}; {named}", fix)
