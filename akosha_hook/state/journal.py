"""The journal of an unfinished upload: what it takes to continue it on the same bytes.

`receipts/<upload_id>.journal`, written before the server is asked for anything and removed when
nothing of the upload is left to continue or to abort.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.state.receipt import OptionalName, PartialUpload, ReceiptFile
from akosha_hook.util import files

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.state.receipt import Receipt

SUFFIX = ".journal"
logger = logging.getLogger(__name__)


class JournalDocument(msgspec.Struct, kw_only=True):
    """The journal on disk. `snapshot` is the directory of the frozen copy."""

    snapshot: OptionalName = ""
    partial: dict[str, PartialUpload] = {}
    stored: tuple[ReceiptFile, ...] = ()
    skipped: dict[str, str] = {}
    manifest: str = ""
    copying: tuple[str, ...] = ()


class Journal:
    """Where an upload in progress is written down.

    `partial` holds the multipart uploads that were begun, by key, and `stored` the files that are
    in the store already, by name. `skipped` says which databases the snapshot lacks, and why.
    `manifest` is the document that was, or was about to be, sent. `copying` names the databases
    whose last good copy was begun to be copied. Nothing is durable before `save`.
    """

    def __init__(self, path: Path | None, document: JournalDocument | None = None) -> None:
        document = document or JournalDocument()
        self._path = path
        self.snapshot = document.snapshot
        self.partial = dict(document.partial)
        self.stored = {each.name: each for each in document.stored}
        self.skipped = dict(document.skipped)
        self.manifest = document.manifest
        self.copying = set(document.copying)

    @classmethod
    def read(cls, path: Path, receipt: Receipt | None = None) -> Journal:
        """The journal in `path`, or what a receipt of 0.1 holds of one.

        One that cannot be read is set aside: an empty one in its place would be deleted as done.
        """
        document = files.read_json(path, JournalDocument)
        if document is None and path.exists():
            logger.warning("Journal %s cannot be read; set aside as .corrupt", path.name)
            files.set_aside(path)
        if document is None and receipt is not None:
            unfinished = receipt.files if receipt.state == "uploading" else ()
            document = JournalDocument(
                snapshot=receipt.snapshot, partial=receipt.partial, stored=unfinished
            )
        return cls(path, document)

    @property
    def progress(self) -> int:
        """How much of the upload is in the store: whole files and parts."""
        return len(self.stored) + sum(len(each.parts) for each in self.partial.values())

    def save(self) -> None:
        """Make the present state durable."""
        if self._path is not None:
            document = JournalDocument(
                snapshot=self.snapshot,
                partial=self.partial,
                stored=tuple(self.stored.values()),
                skipped=self.skipped,
                manifest=self.manifest,
                copying=tuple(sorted(self.copying)),
            )
            files.write_checked_json(self._path, document)

    def close(self) -> None:
        """Nothing is to be continued: keep only what is still to be aborted."""
        self.snapshot, self.stored, self.skipped, self.manifest = "", {}, {}, ""
        self.copying = set()
        if self.partial:
            self.save()
        elif self._path is not None:
            self._path.unlink(missing_ok=True)
