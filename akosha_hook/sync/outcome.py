"""What a sync came to, for the worker, the command line and the guide's result."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from akosha_hook.errors import ExitCode
from akosha_hook.util.clock import minute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.snapshot import Skipped
    from akosha_hook.state.receipt import Collapse, Receipt

_HARMLESS = frozenset({"missing", "excluded", "busy"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a sync.

    `pending` says that the preferred destination still lacks something that a later try can bring:
    a busy database, or everything when the fallback took it. `collapsed` are the databases that have
    lost most of what the upload before had of them.
    """

    state: Literal["uploaded", "unchanged", "busy", "failed"]
    method: Literal["cloud", "http"]
    receipt: Receipt | None = None
    skipped: tuple[Skipped, ...] = ()
    unchanged: tuple[str, ...] = ()
    pending: bool = False
    duration_seconds: float = 0.0
    collapsed: tuple[Collapse, ...] = ()

    @property
    def lost_files(self) -> tuple[Skipped, ...]:
        """Databases that are there and could not be backed up for good."""
        return tuple(
            each for each in self.skipped if each.reason not in _HARMLESS and not each.uncertain
        )

    @property
    def missed(self) -> tuple[Skipped, ...]:
        """What is not there, not selected, or no database; what was stored once has `as_of`."""
        return tuple(
            each
            for each in self.skipped
            if each.reason in {"missing", "lost", "excluded"} or each.uncertain
        )

    @property
    def success(self) -> bool:
        """Whether all is well; a database that is missing, or busy while others are not, is no failure."""
        return self.state in {"uploaded", "unchanged"} and not self.lost_files

    @property
    def error(self) -> str | None:
        if self.state == "failed" and self.receipt is not None:
            return self.receipt.error
        if self.lost_files:
            return "Not backed up: " + "; ".join(each.message for each in self.lost_files) + "."
        if self.state == "busy":
            return "; ".join(each.message for each in self.skipped) + "."
        return None

    @property
    def hint(self) -> str:
        if self.state == "failed" and self.receipt is not None:
            return self.receipt.hint
        if any(each.reason == "unreadable" for each in self.skipped):
            return "Give yourself read permission on the file (chmod u+r)."
        if restorable := [each for each in self.lost_files if each.reason != "lost"]:
            return f"{restore_advice(restorable)}."
        if self.lost_files:
            names = " and ".join(f"akosha-hook forget {each.name}" for each in self.lost_files)
            return f"{names}, once you do without."
        if self.state == "busy":
            return "akosha-hook sync, once the database is quieter."
        return ""

    @property
    def exit_code(self) -> ExitCode:
        if self.state == "failed" and self.receipt is not None:
            return ExitCode(self.receipt.exit_code or ExitCode.FAILED)
        if any(each.reason == "unreadable" for each in self.skipped):
            return ExitCode.CREDENTIALS
        return ExitCode.OK if self.success else ExitCode.FAILED

    def result(self) -> dict[str, Any]:
        """The guide's keys, and more (docs/json-output.md)."""
        receipt = self.receipt
        cloud = receipt is not None and receipt.method == "cloud" and self.state == "uploaded"
        return {
            "method": self.method,
            "success": self.success,
            "files_uploaded": list(receipt.files_uploaded) if receipt else [],
            "bytes_transferred": receipt.bytes_transferred if receipt else 0,
            "duration_seconds": round(self.duration_seconds, 3),
            "upload_id": receipt.upload_id if receipt and cloud else None,
            "error": self.error,
            "hint": self.hint,
            "state": self.state,
            "files_unchanged": list(receipt.files_unchanged if receipt else self.unchanged),
            "skipped": {each.name: each.reason for each in self.skipped},
            "notes": [
                *(receipt.notes if receipt else ()),
                *(each.message for each in self.missed if each.as_of),
            ],
            "collapsed": msgspec.to_builtins(self.collapsed),
            "attempts": msgspec.to_builtins(receipt.attempts) if receipt else [],
            "details": receipt.details if receipt else {},
        }


def restore_advice(bad: Sequence[Skipped]) -> str:
    """How to bring back the last good copies of these databases; or, where there are none, what else."""
    stored = [each for each in bad if each.as_of]
    if not stored:
        return _leave_out([each.name for each in bad])
    command = "akosha-hook restore " + shlex.join(
        word for each in stored for word in ("--file", each.name)
    )
    if len(stored) == 1:
        return f"{command} brings back its last good copy, as of {minute(stored[0].as_of)}"
    copies = ", ".join(f"{each.name} as of {minute(each.as_of)}" for each in stored)
    return f"{command} brings back their last good copies: {copies}"


def _leave_out(names: Sequence[str]) -> str:
    listed, them = names[0], "it"
    if len(names) > 1:
        listed, them = f"{', '.join(names[:-1])} and {names[-1]}", "them"
    return (
        f"move {them} away, or leave {them} out with akosha_databases; as far as is known here, {listed} "
        f"{'was' if len(names) == 1 else 'were'} never stored, so there is no copy to restore"
    )
