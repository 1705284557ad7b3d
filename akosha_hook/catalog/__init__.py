"""What a store holds.

Everything read here was written by somebody who can write to the store: it is checked before it
is believed.
"""

from __future__ import annotations

from akosha_hook.catalog.listing import Listing, read_upload, systems, uploads
from akosha_hook.catalog.model import Upload
from akosha_hook.catalog.opening import READERS, open_to_read
from akosha_hook.catalog.ownership import Ownership, Whose, copy_note, machine_name, machine_of
from akosha_hook.catalog.survey import survey

__all__ = [
    "READERS",
    "Listing",
    "Ownership",
    "Upload",
    "Whose",
    "copy_note",
    "machine_name",
    "machine_of",
    "open_to_read",
    "read_upload",
    "survey",
    "systems",
    "uploads",
]
