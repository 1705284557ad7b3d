"""The ledger: every upload that this state has stored, and what its manifest must be.

A line per upload and store: a checksum, and JSON. It is written before the manifest is sent, so that
no manifest of ours is ever unknown; only prune removes lines. What is not in the ledger may have
been written by anybody who can write to the store.
"""

from __future__ import annotations

import logging
import os
import re
import time
from typing import TYPE_CHECKING

from akosha_hook.format.parse import upload_of
from akosha_hook.state.identity import Identity
from akosha_hook.state.ledger_lines import Line, decoded, encoded, of_receipts, store_name
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from akosha_hook.paths import Paths
    from akosha_hook.state.ledger_lines import Entry
    from akosha_hook.state.receipt import Receipt, ReceiptFile, Target

# 50,000 uploads have some 15 MB.
MAX_BYTES = 256 * 1024 * 1024
_UPLOAD = re.compile(rb'"upload":"([A-Za-z0-9_.-]{1,255})"')
logger = logging.getLogger(__name__)


class Ledger:
    """The ledger as it is on disk; nothing is read before it is asked for.

    Whoever changes it holds the sync lock. With `read_only`, nothing on disk is changed: for
    commands that hold no lock.
    """

    def __init__(self, paths: Paths, *, read_only: bool = False) -> None:
        self._path = paths.ledger
        self._machine = paths.machine
        self._read_only = read_only
        self._entries: dict[tuple[str, str], Entry] | None = None
        self._index: dict[str, Entry] | None = None
        self._renamed: dict[str, str] | None = None
        self._since = 0
        self._data: bytes | None = None

    @property
    def exists(self) -> bool:
        try:
            return self._path.stat().st_size > 0
        except OSError:
            return False

    @property
    def since(self) -> int:
        """The sequence number from which on every upload of this state is in the ledger."""
        self._read()
        return self._since

    def begin(self, receipts: Iterable[Receipt], sequence: int) -> None:
        """Make the ledger where there is none, of what receipts say and refer to.

        `sequence` is the number of this machine's last upload.
        """
        if self.exists:
            return
        self._entries = {(each.store, each.upload): each for each in of_receipts(receipts)}
        self._index = None
        self._since = sequence
        self._write()

    def complete(self, receipts: Sequence[Receipt]) -> None:
        """Enter again what damage to the file has taken, as far as receipts tell.

        Those of an upload whose manifest's hash they know; looked for only where the newest success
        is not whole in the ledger.
        """
        newest = next((each for each in receipts if each.success and each.manifest_sha256), None)
        if newest is None or self.entry(newest.upload_id) is not None:
            return
        for each in of_receipts(receipts):
            if self.entry(each.upload) is None and each.sha256:
                self.add(each)

    def entry(self, upload_id: str) -> Entry | None:
        """The line of an upload, in whichever store; its id is its own.

        Only that line is decoded: an unchanged sync asks for a few of thousands.
        """
        if self._entries is not None:
            return self.by_upload().get(upload_id)
        if self._data is None:
            self._data = self._load()
        wanted = b'"upload":"%b"' % upload_id.encode()
        at = self._data.rfind(wanted)
        while at >= 0:
            start = self._data.rfind(b"\n", 0, at) + 1
            line = decoded(self._data[start:].partition(b"\n")[0])
            if line is not None and line.entry is not None and line.entry.upload == upload_id:
                return line.entry
            at = self._data.rfind(wanted, 0, start)
        return None

    def is_own(self, upload_id: str, machine_id: str) -> bool:
        """Whether the upload was stored under that machine id, or one that it had before."""
        entry = self.entry(upload_id)
        return entry is not None and entry.machine in self._ids(machine_id)

    def holds_all_of(self, file: ReceiptFile, machine_id: str) -> bool:
        """Whether every object that restoring `file` needs was stored under that machine id."""
        keys = [file.key, *([file.delta.base_key] if file.delta else [])]
        names = [upload_of(key) for key in keys]
        return all(each is not None and self.is_own(each[1], machine_id) for each in names)

    def own(self, machine_id: str) -> frozenset[str]:
        """Ids of the uploads that were stored under that machine id, or one that it had before."""
        ids = self._ids(machine_id)
        return frozenset(each.upload for each in self._read().values() if each.machine in ids)

    def newest(self, target: Target, machine_id: str) -> Entry | None:
        """The upload that was stored last in the target's store under that machine id."""
        store, ids = store_name(target), self._ids(machine_id)
        mine = [
            each
            for each in self._read().values()
            if (each.store, each.system) == (store, target.system_id) and each.machine in ids
        ]
        return max(mine, key=lambda each: each.upload, default=None)

    def newer_than(self, upload_id: str, target: Target, machine_id: str) -> tuple[Entry, ...]:
        """Uploads in the target's store under that machine id, the newest first.

        Only lines of uploads newer than `upload_id` are decoded.
        """
        names = sorted((each for each in self._uploads() if each > upload_id), reverse=True)
        wanted, ids = (store_name(target), target.system_id), self._ids(machine_id)
        entries = [entry for each in names if (entry := self.entry(each)) is not None]
        return tuple(
            each for each in entries if (each.store, each.system) == wanted and each.machine in ids
        )

    def _ids(self, machine_id: str) -> frozenset[str]:
        """The id, and those that it had before."""
        if self._renamed is None:
            self._renamed = self._read_renamed()
        ids = [machine_id]
        while (before := self._renamed.get(ids[-1])) is not None and before not in ids:
            ids.append(before)
        return frozenset(ids)

    def _read_renamed(self) -> dict[str, str]:
        data = self._load() if self._data is None else self._data
        found = [decoded(each) for each in data.splitlines() if b'"renamed":[' in each]
        pairs = [line.renamed for line in found if line is not None and line.renamed is not None]
        return {new: old for old, new in pairs}

    def rename(self, old: str, new: str) -> None:
        """This state takes the machine id `new`; what it stored as `old` stays its own."""
        self._ids(new)
        assert self._renamed is not None
        self._renamed[new] = old
        self._append(Line(renamed=(old, new)))

    def _uploads(self) -> set[str]:
        if self._entries is not None:
            return {upload for _, upload in self._entries}
        if self._data is None:
            self._data = self._load()
        return {each.decode() for each in _UPLOAD.findall(self._data)}

    def add(self, entry: Entry) -> None:
        """Write a line, durably; an earlier one of the same upload and store no longer counts."""
        known = self._read()
        if known.get((entry.store, entry.upload)) == entry:
            return
        known[entry.store, entry.upload] = entry
        self._index = None
        self._append(Line(entry=entry))

    def _append(self, line: Line) -> None:
        self._read()  # what was torn is mended first
        files.private_directory(self._path.parent)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, files.FILE_MODE)
        try:
            os.write(descriptor, encoded(line))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, uploads: Collection[str]) -> None:
        """Uploads that were deleted from their store."""
        known = self._read()
        gone = [key for key, each in known.items() if each.upload in uploads]
        if gone:
            for key in gone:
                del known[key]
            self._index = None
            self._write()

    def by_upload(self) -> Mapping[str, Entry]:
        """Every line by the id of its upload."""
        if self._index is None:
            self._index = {each.upload: each for each in self._read().values()}
        return self._index

    def _write(self) -> None:
        if self._read_only:
            return
        self._ids("")
        lines = [Line(since=self._since)]
        lines += [Line(renamed=(old, new)) for new, old in (self._renamed or {}).items()]
        lines += [Line(entry=each) for each in (self._entries or {}).values()]
        files.private_directory(self._path.parent)
        files.write_atomic(self._path, b"".join(encoded(each) for each in lines))

    def _read(self) -> dict[tuple[str, str], Entry]:
        if self._entries is None:
            self._entries = self._read_all()
        return self._entries

    def _read_all(self) -> dict[tuple[str, str], Entry]:
        """A line that is damaged is left out, and the file as it was is kept aside."""
        data = self._load()
        self._data = None
        entries: dict[tuple[str, str], Entry] = {}
        damaged = bool(data) and not data.endswith(b"\n")
        for text in data.splitlines():
            line = decoded(text)
            if line is None:
                damaged = True
            elif line.entry is not None:
                entries[line.entry.store, line.entry.upload] = line.entry
            else:
                self._since = max(self._since, line.since)
        if damaged:
            self._mend(data, entries)
        return entries

    def _load(self) -> bytes:
        try:
            return files.read_bounded(self._path, MAX_BYTES, follow=False)
        except OSError:
            return b""
        except ValueError:
            if not self._read_only:
                files.set_aside(self._path)
            return b""

    def _mend(self, data: bytes, entries: dict[tuple[str, str], Entry]) -> None:
        """Write what could be read; uploads until now may have been in the lines that were lost."""
        self._entries = entries
        last = files.peek_json(self._machine, Identity)
        self._since = max(self._since, int(time.time()), last.sequence if last else 0)
        if self._read_only:
            return
        logger.warning("The ledger had damaged lines; as it was, it is kept as .corrupt")
        try:
            files.write_atomic(self._path.with_name(self._path.name + ".corrupt"), data)
            self._write()
        except OSError:
            logger.warning("The ledger could not be mended", exc_info=True)
