"""A system's uploads as this state sees them, and what in them is not as it stored it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from akosha_hook.catalog.listing import listing
from akosha_hook.catalog.names import with_names_checked
from akosha_hook.state import identity, tampering
from akosha_hook.state.tampering import Finding, Tampering

if TYPE_CHECKING:
    from akosha_hook.catalog.listing import Listing
    from akosha_hook.catalog.ownership import Ownership
    from akosha_hook.context import Context
    from akosha_hook.stores.base import ObjectStore

CHANGED = "its manifest is not the one that this machine stored"
AHEAD = (
    "it claims to be of more than a day ahead of this machine's clock, and this machine has no "
    "record of it"
)
COPY = (
    "it bears this machine's id, and this machine has no record of it: it was planted, unless a copy "
    "of this machine's state directory uploads too"
)
FLOOD = "there are more manifests or objects than is believable"


def survey(store: ObjectStore, system_id: str, context: Context, ownership: Ownership) -> Listing:
    """List a system's uploads, newest first.

    What somebody has changed or planted under this machine's own name is remembered for `status`.
    """
    found = listing(store, system_id, ownership)
    selected = context.settings.akosha_databases
    checked = tuple(with_names_checked(each, ownership, selected) for each in found.uploads)
    found = replace(found, uploads=checked)
    if system_id == identity.peek(context.paths, context.settings):
        seen = Tampering(at=time.time(), findings=_findings(found, ownership))
        where = tampering.place(
            context.settings.akosha_cloud_endpoint, store.describe().name, system_id
        )
        tampering.remember(context.paths, where, seen)
    return found


def _findings(found: Listing, ownership: Ownership) -> tuple[Finding, ...]:
    findings = []
    copied = {each.upload_id for each in ownership.of_a_copy(found.uploads)}
    for each in found.uploads:
        if ownership.of(each) == "changed":
            findings.append(Finding(each.upload_id, CHANGED))
        elif each.ahead:
            findings.append(Finding(each.upload_id, AHEAD))
        elif each.upload_id in copied:
            findings.append(Finding(each.upload_id, COPY))
    if found.not_read or found.left_out:
        findings.append(Finding("", FLOOD))
    return tuple(findings)
