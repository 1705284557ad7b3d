"""What would be deleted: worked out from a listing, shown by a dry run, carried out as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.catalog import Ownership, machine_name, machine_of
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.format import manifest
from akosha_hook.format.parse import referenced_keys
from akosha_hook.prune import age
from akosha_hook.prune.collapse import Unseen, before_collapse, unseen
from akosha_hook.prune.keep import kept
from akosha_hook.prune.last_good import last_good_copies
from akosha_hook.prune.unfinished import begun, unfinished_uploads
from akosha_hook.state import forgotten, identity
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.receipts import Receipts
from akosha_hook.util.clock import minute

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from akosha_hook.catalog import Upload
    from akosha_hook.context import Context
    from akosha_hook.prune.keep import Keep
    from akosha_hook.prune.unfinished import Begun
    from akosha_hook.state.receipt import Receipt
    from akosha_hook.stores.base import Listed, ObjectStore

YOUNG = "younger than an hour"
# So many other machines are named.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """`kept` has the reason by upload id. `objects` are deleted after every one of `manifests`.

    `still_needed` are objects of uploads that go, which stay because an upload that stays refers to
    them. `unfinished` are key and id of multipart uploads that nobody will complete. `listed` are
    the manifests that the plan knows of, `sizes` the bytes of the objects to delete.
    """

    system_id: str
    kept: Mapping[str, str]
    removed: tuple[Upload, ...]
    abandoned: tuple[Upload, ...]
    manifests: tuple[str, ...]
    objects: tuple[str, ...]
    still_needed: tuple[str, ...]
    unfinished: tuple[tuple[str, str], ...]
    freed_bytes: int
    notes: tuple[str, ...] = ()
    listed: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def nothing_to_do(self) -> bool:
        return not (self.manifests or self.objects or self.unfinished)


def plan(
    store: ObjectStore,
    keep: Keep,
    context: Context,
    *,
    system_id: str = "",
    ignore_collapse: bool = False,
) -> Plan:
    """Work out what goes: of this state's own uploads, or of all of the system `system_id`.

    With `ignore_collapse`, the last upload before conversations went missing is not kept for that.
    The caller holds the sync lock. A state that turns out to have a copy, or to be one, takes a new
    machine id and deletes nothing, once in `identity.SHARED_DAYS`: a manifest that pretends to be a
    copy's must not stop every prune. Raises DamagedError where a manifest that matters cannot be
    read: what it refers to is not known then.
    """
    if not keep:
        raise AkoshaHookError(
            "Nothing says what to keep.",
            hint="akosha-hook prune --keep-last 10 --dry-run, or set akosha_keep_last.",
        )
    me = identity.load(context.paths, context.settings)
    receipts = Receipts(context.paths)
    ledger = Ledger(context.paths)
    ledger.begin(receipts.newest_first(), me.sequence)
    name = system_id or me.system_id
    whose = Ownership(me.machine_id, ledger)
    found = catalog.survey(store, name, context, whose)
    uploads = found.uploads
    if not uploads and system_id:
        raise AkoshaHookError(
            f"Nothing is stored for {system_id}.", hint="akosha-hook ls shows every system."
        )
    notes = found.notes(name)
    copied = whose.of_a_copy(uploads)
    if copied and identity.was_shared_lately(me):
        notes = (_claims_to_be_a_copy(copied, me.renewed), *notes)
    elif copied:
        new = identity.new_machine_id()
        ledger.rename(me.machine_id, new)
        me = identity.renew(context.paths, me, identity.SHARED, machine_id=new)
        # Which of the two may delete what both have stored is for a later run to say.
        whose = Ownership("", ledger)
        notes = (_has_a_copy(copied, me.machine_id), *notes)
    # What the machine began that this one is a copy of is not ours to abort.
    receipts.disown(me.machine_id)
    work = _Work(
        store=store,
        system_id=name,
        named=bool(system_id),
        uploads=uploads,
        left_out=bool(found.left_out or found.not_read),
        whose=whose,
        receipts={each.upload_id: each for each in receipts.newest_first()},
        begun=begun(receipts, context, name, store),
        forgotten=forgotten.names(context.paths) if name == me.system_id else frozenset(),
        unseen=None if ignore_collapse else unseen(context, name),
    )
    return work.plan(keep, notes)


def _has_a_copy(copied: Sequence[Upload], machine_id: str) -> str:
    return (
        f"{copied[0].upload_id} bears this machine's id, but this machine has no record of it: a "
        "copy of its state directory uploads too, or an older state was put back. It now has the "
        f"new id {machine_id}. Nothing was deleted this time."
    )


def _claims_to_be_a_copy(copied: Sequence[Upload], renewed: str) -> str:
    return (
        f"{copied[0].upload_id} bears this machine's id, but this machine has no record of it. "
        f"Since it got that id for the same reason at {minute(renewed)}, somebody may have planted "
        "it to stop prune: uploads were deleted by the rules all the same."
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """What a plan is worked out from; `named` says that the user named the system on purpose.

    `receipts` are this state's by the id of their upload. `left_out` says that not everything there
    was read. `unseen` is None where nothing is kept for what later uploads have lost.
    """

    store: ObjectStore
    system_id: str
    named: bool
    uploads: tuple[Upload, ...]
    left_out: bool
    whose: Ownership
    receipts: Mapping[str, Receipt]
    begun: Sequence[Begun]
    forgotten: Collection[str]
    unseen: Unseen | None

    def plan(self, keep: Keep, notes: tuple[str, ...]) -> Plan:
        ours = [each for each in self.uploads if self.named or self.whose.owns(each)]
        self._refuse_unknown()
        keeping = self._keeping(ours, keep)
        going = [each for each in ours if each.upload_id not in keeping and self._may_go(each)]
        gone = {each.upload_id for each in going}
        needed = {
            key
            for each in self.uploads
            if each.manifest and each.upload_id not in gone
            for key in referenced_keys(each.manifest)
        }
        needed |= self._needed_by_spoilt()
        objects = [each for upload in going for each in upload.objects]
        manifests = [each for each in objects if _is_manifest(each)]
        goes = [each for each in objects if not _is_manifest(each) and each.key not in needed]
        unfinished, more = unfinished_uploads(
            self.store, self.system_id, self.begun, self.whose, named=self.named
        )
        return Plan(
            system_id=self.system_id,
            kept=keeping,
            removed=tuple(each for each in going if each.has_manifest),
            abandoned=tuple(
                each for each in going if not each.has_manifest and not _all_needed(each, needed)
            ),
            manifests=tuple(each.key for each in manifests),
            objects=tuple(each.key for each in goes),
            still_needed=tuple(each.key for each in objects if each.key in needed),
            unfinished=unfinished,
            freed_bytes=sum(each.size for each in (*manifests, *goes)),
            notes=(*notes, *self._left_alone(), *more),
            listed=frozenset(
                each.key for upload in self.uploads for each in upload.objects if _is_manifest(each)
            ),
            sizes={each.key: each.size for each in goes},
        )

    def _machine(self, upload: Upload) -> str:
        """Whose history an upload belongs to: each keeps what the rules keep of it."""
        return "" if self.whose.owns(upload) else machine_of(upload)

    def _keeping(self, ours: Sequence[Upload], keep: Keep) -> dict[str, str]:
        """Ids of complete uploads that stay, and why; newest first."""
        reasons: dict[str, str] = {}
        for machine in dict.fromkeys(map(self._machine, ours)):
            its = [each for each in ours if self._machine(each) == machine]
            reasons |= kept([each for each in its if each.complete], keep)
            for upload_id, names in last_good_copies(its, self.forgotten).items():
                reason = f"last good copy of {', '.join(names)}"
                reasons[upload_id] = ", ".join(filter(None, (reasons.get(upload_id), reason)))
            for upload_id, reason in self._before_loss(its, own=not machine).items():
                reasons[upload_id] = ", ".join(filter(None, (reasons.get(upload_id), reason)))
        for each in ours:
            if each.has_manifest and each.upload_id not in reasons and age.is_young(each):
                reasons[each.upload_id] = YOUNG
        return {
            each.upload_id: reasons[each.upload_id] for each in ours if each.upload_id in reasons
        }

    def _before_loss(self, its: Sequence[Upload], *, own: bool) -> dict[str, str]:
        """Uploads of one machine that stay for what later ones have lost, and why."""
        if self.unseen is None:
            return {}
        there = {each.upload_id for each in its if each.has_manifest}
        reasons = {
            upload_id: reason
            for upload_id, reason in self.unseen.reasons.items()
            if own and upload_id in there
        }
        fallen = before_collapse(its, accepted=self.unseen.accepted if own else 0)
        if fallen is not None:
            reasons.setdefault(fallen.upload.upload_id, fallen.reason)
        return reasons

    def _may_go(self, upload: Upload) -> bool:
        """Whether nobody is at work on it."""
        running = {each.receipt.upload_id for each in self.begun if each.runs}
        if upload.upload_id in running:
            return False
        return upload.has_manifest or age.is_abandoned(age.newest_object(upload))

    def _needed_by_spoilt(self) -> set[str]:
        """What uploads of ours refer to whose manifests were overwritten, by their receipts."""
        spoilt = [self.receipts.get(each.upload_id) for each in self.uploads if not each.complete]
        listed = [file for each in spoilt if each is not None for file in each.files]
        keys = {file.key for file in listed}
        return keys | {file.delta.base_key for file in listed if file.delta}

    def _is_unknown(self, upload: Upload) -> bool:
        """Whether it counts, and nobody knows what it refers to."""
        if upload.manifest is not None or not upload.has_manifest:
            return False
        if self.named:
            return True
        # What was put in the place of a manifest of ours, or beside it, is not what we stored.
        return self.whose.of(upload) == "own" and upload.upload_id not in self.receipts

    def _refuse_unknown(self) -> None:
        """Raise DamagedError where an upload that counts refers to what cannot be known."""
        if self.named and self.left_out:
            raise DamagedError(
                f"Nothing was deleted: {self.system_id} has more manifests than is believable, and "
                "not all were read.",
                hint="Without --system, only this machine's own uploads are counted and deleted.",
            )
        for each in self.uploads:
            if self._is_unknown(each):
                raise DamagedError(
                    f"Nothing was deleted: {each.problem or each.upload_id}"
                    " So what it refers to is not known.",
                    hint=f"Delete systems/{each.system_id}/uploads/{each.upload_id}/manifest.json "
                    "by hand if that upload is not wanted, or upgrade akosha-hook.",
                )

    def _left_alone(self) -> tuple[str, ...]:
        """What is under this name and not provably this machine's."""
        if self.named:
            return ()
        changed = [each for each in self.uploads if self.whose.of(each) == "changed"]
        notes = [
            f"{each.upload_id} was left alone: its manifest is not the one that this machine stored."
            for each in changed
        ]
        if others := [each for each in self.uploads if self.whose.of(each) == "other"]:
            notes.append(self._of_others(others))
        return tuple(notes)

    def _of_others(self, others: Sequence[Upload]) -> str:
        """One sentence on the uploads that this machine cannot prove to be its own."""
        newest: dict[str, Upload] = {}
        for each in others:
            if each.manifest:
                newest.setdefault(machine_of(each), each)
        last = "; ".join(
            f"machine {machine_name(each)}, last at {each.at.astimezone():%Y-%m-%d %H:%M}"
            for each in list(newest.values())[:SHOWN]
        )
        count = f"{len(others)} upload" + ("s" if len(others) > 1 else "")
        are = "are" if len(others) > 1 else "is"
        return (
            f"{count} of {self.system_id} {are} not known to be this machine's, and stayed"
            + (f" ({last})" if last else "")
            + ". To have the rules apply to every upload of that name: "
            f"akosha-hook prune --system {self.system_id}"
        )


def _is_manifest(listed: Listed) -> bool:
    return listed.key.endswith(f"/{manifest.NAME}")


def _all_needed(upload: Upload, needed: Collection[str]) -> bool:
    return all(each.key in needed for each in upload.objects)
