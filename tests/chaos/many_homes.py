"""A random schedule of several homes on one bucket, drawn from a seed, and its end.

`run(seed, ...)` repeats a schedule: everything that is drawn comes from `random.Random(seed)`.
"""

from __future__ import annotations

import random
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.schedules import FAULTS, FINAL, OPERATIONS
from tests.chaos.world import (
    DATABASES,
    DAY,
    HOUR,
    SYSTEM,
    Actor,
    Counts,
    FindingError,
    Kind,
    World,
    held_at,
)
from tests.support.s3 import make_bucket

if TYPE_CHECKING:
    from akosha_hook.demo.s3_server import S3Server
    from tests.support.forks import Forks

KIB = 1024
SIZES = (40 * KIB, 40 * KIB, 40 * KIB, 1100 * KIB, 1100 * KIB, 6 * KIB * KIB)
# No two differ by hours: a look that was made with one is a day old, or not yet made, with another.
SKEWS = (0.0, 0.0, 3 * DAY, -3 * DAY, 400 * DAY)
DISKS = (8 * KIB, 30 * KIB, 60 * KIB, 600 * KIB)
# A rule expires objects after akosha_full_interval_days (7) and as much history as one wants.
EXPIRY = 7 * DAY + 7 * DAY
MOST_HOMES = 5
# At these a process is killed, or another one runs meanwhile: those that nearly every sync makes.
MOMENTS = (
    "PutObject",
    "PutObject",
    "PutManifest",
    "PutManifest",
    "HeadObject",
    "HeadManifest",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "ListObjects",
)
ASKED = (*OPERATIONS, "HeadManifest", "GetManifest", "GetObject", "PostObject")
PRUNE = ("prune", "--keep-last", "1", "--json")
SYNC = ("sync", "--json")


@dataclass
class Schedule:
    """A schedule under way; `told` is what was done, for whoever has to repeat it."""

    world: World
    source: random.Random
    told: list[str] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        return self.source.choice(self.world.actors)

    def tell(self, actor: Actor | None, what: str) -> None:
        self.told.append(f"{actor.name if actor else '-'}: {what}")

    def take_step(self) -> None:
        self.world.counts.steps += 1
        (step,) = self.source.choices(list(STEPS), weights=list(STEPS.values()))
        step(self)

    # Databases

    def change(self) -> None:
        actor, name = self.actor, self.source.choice(DATABASES)
        size = self.source.choice(SIZES)
        self.tell(actor, f"change {name} {size}")
        self.world.counts.changes += 1
        actor.write(name, self.world.fresh(size))

    def touch(self) -> None:
        """A few bytes change in the middle: what a delta is for."""
        actor = self.actor
        if not actor.content:
            return
        name = self.source.choice(sorted(actor.content))
        before = actor.content[name]
        self.tell(actor, f"touch {name}")
        self.world.counts.changes += 1
        middle, fresh = len(before) // 2, self.source.randbytes(100)
        actor.write(name, before[:middle] + fresh + before[middle + len(fresh) :])

    def damage(self) -> None:
        actor, name = self.actor, self.source.choice(DATABASES)
        how = self.source.choice(["deleted", "emptied", "damaged"])
        self.tell(actor, f"{how} {name}")
        self.world.counts.damages += 1
        actor.spoil(name, how)

    def repair(self) -> None:
        """A database is brought back, as it was at some time or anew."""
        actor = self.actor
        for name in DATABASES:
            if name not in actor.content:
                self.tell(actor, f"repair {name}")
                actor.write(name, self.world.fresh(self.source.choice(SIZES[:4])))

    def outlive(self) -> None:
        """A database is gone that is stored as a delta, for so long that both objects are copied."""
        actor = self.actor
        name = self.source.choice(DATABASES)
        self.tell(actor, f"{name} is changed a little, deleted, and carried for 9 days")
        self.world.counts.changes += 1
        self.world.counts.syncs += 3
        before = self.world.fresh(1100 * KIB)
        for content in (before, before[:-100] + self.source.randbytes(100)):
            actor.write(name, content)
            actor.run(*SYNC)
        actor.spoil(name, "deleted")
        self.world.advance(9 * DAY)
        actor.run(*SYNC)

    def forget(self) -> None:
        """A database is gone for good, and the user says so."""
        actor = self.actor
        gone = [each for each in DATABASES if not (actor.data / each).exists()]
        if not gone:
            return
        self.tell(actor, f"forget {gone[0]}")
        child = actor.run("forget", gone[0], "--json")
        if child.code == 0:
            actor.forget(gone[0])

    def bring_back(self) -> None:
        """A database that is damaged is restored: what comes back is its last good copy."""
        actor = self.actor
        lost = [each for each in DATABASES if each not in actor.content and each in actor.claimed]
        if not lost:
            return
        self.tell(actor, f"restore --file {lost[0]}")
        self.world.counts.restores += 1
        child = actor.run("restore", "--file", lost[0], "--force", "--json")
        if child.code == 0:
            upload = self.world.look().upload(child.document()["upload_id"])
            content = (actor.data / lost[0]).read_bytes()
            if upload is None or content != self.world.reader.content(upload, lost[0]):
                raise FindingError(f"{actor.name}: {lost[0]} was restored as it is not stored")
            actor.brought_back(lost[0], content)

    # Syncs

    def work(self) -> None:
        actor = self.actor
        self.tell(actor, "event, worker")
        self.world.counts.events += 1
        self.world.counts.syncs += 1
        actor.run("event")
        actor.run("worker")

    def by_hand(self) -> None:
        actor = self.actor
        self.tell(actor, "sync")
        self.world.counts.syncs += 1
        actor.run(*SYNC)

    def full(self) -> None:
        actor = self.actor
        self.tell(actor, "sync --full")
        self.world.counts.syncs += 1
        actor.run(*SYNC, "--full")

    def without_room(self) -> None:
        actor, disk = self.actor, self.source.choice(DISKS)
        self.tell(actor, f"sync, no file above {disk} bytes")
        self.world.counts.full_disks += 1
        actor.run(*SYNC, disk=disk)

    def kill(self) -> None:
        """Kill a worker or a sync by hand at one of its requests, or a prune while it deletes."""
        actor = self.actor
        if self.source.random() < 0.1:
            self._killed(actor, self._prune_command(actor), "PostObject", 1, carried_out=True)
            return
        command = self.source.choice([("worker",), SYNC])
        operation, first = self.source.choice(MOMENTS), self.source.choice([1, 1, 1, 2])
        carried_out = self.source.random() < 0.5
        if actor.content and self.source.random() < 0.7:
            name = self.source.choice(sorted(actor.content))
            actor.write(name, self.world.fresh(self.source.choice(SIZES)))
        actor.run("event")
        self._killed(actor, command, operation, first, carried_out=carried_out)

    def _killed(
        self,
        actor: Actor,
        command: tuple[str, ...],
        operation: str,
        first: int,
        *,
        carried_out: bool,
    ) -> None:
        self.tell(actor, f"kill {' '.join(command)} at {operation} {first} {carried_out}")
        pause = self.world.network.pause(operation, first=first, carried_out=carried_out)
        child = actor.start(*command)
        if held_at(child, pause):
            self.world.counts.kills += 1
        child.kill()
        pause.drop()
        self._forget(pause)
        actor.ended(command, child)

    def _forget(self, pause: object) -> None:
        network = self.world.network
        network.rules = [each for each in network.rules if each.fault is not pause]

    # Networks

    def fault(self) -> None:
        kind = self.source.choice(sorted(FAULTS))
        operation, first = self.source.choice(ASKED), self.source.randint(1, 3)
        times = self.source.randint(1, 5)
        if kind in FINAL and operation == "AbortMultipartUpload":
            return  # a note tells of it, and what is left is the bucket's owner's to clear
        self.tell(None, f"fault {kind} {operation} {first} {times}")
        self.world.counts.faults += 1
        self.world.network.on(operation, fault=FAULTS[kind], first=first, times=times)

    def heal(self) -> None:
        self.tell(None, "heal")
        self.world.network.heal()

    # Prune and restore

    def prune(self) -> None:
        actor = self.actor
        command = self._prune_command(actor)
        self.tell(actor, " ".join(command))
        actor.run(*command)

    def _prune_command(self, actor: Actor) -> tuple[str, ...]:
        self.world.counts.prunes += 1
        if actor.twins:
            self._deletes_from_its_twin(actor)
        if self.source.random() < 0.7:
            return PRUNE
        self.world.lost_at = self.world.now
        return (*PRUNE, "--system", SYSTEM)

    def _deletes_from_its_twin(self, actor: Actor) -> None:
        """What both had in common; neither can know of the other before one of them uploads."""
        self.world.lost_at = self.world.now
        self.world.harmed.add(actor.machine_id)
        for each in self.world.actors:
            if each.machine == actor.machine:
                each.at_risk |= set(each.claimed)

    def prune_automatically(self) -> None:
        actor = self.actor
        keep = self.source.choice([0, 1, 1, 2])
        self.tell(actor, f"akosha_keep_last {keep}")
        if keep and actor.twins:
            self._deletes_from_its_twin(actor)
        actor.configure(akosha_keep_last=keep)

    def restore(self) -> None:
        """Into a directory: what is restored is what the manifest says, to the byte."""
        actor = self.actor
        self.tell(actor, "restore")
        self._restore(actor)

    def _restore(self, actor: Actor) -> None:
        self.world.counts.restores += 1
        with tempfile.TemporaryDirectory(dir=self.world.directory) as name:
            child = actor.run("restore", "--to", f"{name}/to", "--force", "--json")
            if child.code == 0:
                self._compare(actor, child.document()["upload_id"], Path(name) / "to")

    def _compare(self, actor: Actor, upload_id: str, directory: Path) -> None:
        upload = self.world.look().upload(upload_id)
        if upload is None or not upload.whole:
            raise FindingError(f"{actor.name}: restored {upload_id}, which is not whole")
        for each in upload.files:
            restored = (directory / each["name"]).read_bytes()
            if restored != self.world.reader.content(upload, each["name"]):
                raise FindingError(f"{actor.name}: {each['name']} was restored as it is not stored")

    def verify(self) -> None:
        actor = self.actor
        self.tell(actor, "verify")
        self.world.counts.restores += 1
        actor.run("verify", "--json")

    def beside(self) -> None:
        """One home prunes, restores or verifies while another is in the middle of a sync."""
        actor = self.actor
        others = [each for each in self.world.actors if each is not actor]
        other = self.source.choice(others)
        operation, carried_out = self.source.choice(MOMENTS), self.source.random() < 0.5
        what = self.source.choice(["prune", "prune", "restore", "verify", "sync"])
        if actor.content:
            name = self.source.choice(sorted(actor.content))
            actor.write(name, self.world.fresh(self.source.choice(SIZES)))
        command = {"prune": self._prune_command(other), "verify": ("verify", "--json")}.get(
            what, SYNC
        )
        self.tell(actor, f"sync, at {operation} {carried_out} {other.name} runs {what} {command}")
        pause = self.world.network.pause(operation, carried_out=carried_out)
        child = actor.start(*SYNC)
        if not held_at(child, pause):
            self._forget(pause)  # nobody else is to be held there
        if what == "restore":
            self._restore(other)
        else:
            other.run(*command)
        pause.resume()
        child.wait()
        self._forget(pause)
        actor.ended(SYNC, child)

    # Machines, clocks, disks

    def clone(self) -> None:
        """The home is copied: to another machine, or to one that has the same machine id."""
        if len(self.world.actors) >= MOST_HOMES:
            return
        actor = self.actor
        name = f"{actor.name}c{len(self.world.actors)}"
        same = self.source.random() < 0.5
        self.tell(actor, f"cloned as {name}" + (", machine id and all" if same else ""))
        machine = actor.machine if same else self.source.randbytes(16).hex()
        self.world.clone(actor, name, machine)

    def pass_time(self) -> None:
        seconds = self.source.choice([60.0, 2 * HOUR, 25 * HOUR, 5 * DAY])
        self.tell(None, f"{seconds / HOUR:.2f} hours pass")
        self.world.advance(seconds)

    def jump(self) -> None:
        actor = self.actor
        actor.skew = self.source.choice(SKEWS)
        self.tell(actor, f"its clock is {actor.skew / HOUR:.0f} hours ahead")
        self.world.counts.clock_jumps += 1

    def spoil_receipt(self) -> None:
        """Cut a receipt, or flip one bit of it."""
        actor = self.actor
        receipts = sorted(
            (actor.state / "receipts").glob("*.json"), key=lambda path: path.stat().st_mtime_ns
        )
        if not receipts:
            return
        path = self.source.choice(receipts)
        data = bytearray(path.read_bytes())
        place = self.source.randrange(len(data))
        if self.source.random() < 0.5:
            del data[place:]
            how = "cut"
        else:
            data[place] ^= 1 << self.source.randrange(8)
            how = "flipped"
        self.tell(actor, f"receipt {path.name} {how} at {place}")
        path.write_bytes(data)
        actor.spoiled = True
        self.world.counts.receipts_spoiled += 1

    # What others do to the bucket

    def expire(self) -> None:
        """A lifecycle rule of the age that docs/providers.md asks for, on homes that are in use."""
        self.world.network.heal()
        for _ in range(3):
            self.world.advance(5 * DAY)
            for actor in self.world.actors:
                actor.skew = 0.0
                actor.run(*SYNC)
        look = self.world.look()
        bucket = self.world.bucket
        now = time.time() + self.world.now
        old = [
            key
            for key, each in look.objects.items()
            if now - self.world.ages.stored_at(bucket.name, key, each.modified) > EXPIRY
        ]
        self.tell(None, f"15 days pass, {len(old)} objects expire")
        self.world.expire(old)

    def lose(self) -> None:
        """Somebody deletes whatever he likes."""
        keys = self.world.in_order(self.world.look())
        if not keys:
            return
        lost = self.source.sample(keys, min(len(keys), self.source.choice([1, 1, 2, len(keys)])))
        self.tell(None, f"deleted: {', '.join(lost)}")
        self.world.lose(lost)


STEPS: dict[Callable[[Schedule], None], float] = {
    Schedule.change: 4,
    Schedule.touch: 4,
    Schedule.damage: 2,
    Schedule.repair: 1.5,
    Schedule.forget: 0.4,
    Schedule.bring_back: 0.7,
    Schedule.work: 4,
    Schedule.by_hand: 4,
    Schedule.full: 0.7,
    Schedule.without_room: 1.5,
    Schedule.kill: 4,
    Schedule.fault: 4,
    Schedule.heal: 2,
    Schedule.prune: 2,
    Schedule.prune_automatically: 1,
    Schedule.restore: 1,
    Schedule.verify: 0.7,
    Schedule.beside: 3,
    Schedule.clone: 1.2,
    Schedule.pass_time: 2.5,
    Schedule.jump: 1,
    Schedule.spoil_receipt: 1,
    Schedule.expire: 0.3,
    Schedule.lose: 1,
    Schedule.outlive: 0.4,
}


def run(
    seed: int,
    server: S3Server,
    forks: Forks,
    directory: Path,
    counts: Counts | None = None,
    *,
    steps: tuple[int, int] = (8, 20),
) -> list[str]:
    """Run the schedule of `seed`, and say what was done; raises FindingError with all of it."""
    source = random.Random(seed)
    counts = counts or Counts()
    counts.schedules += 1
    bucket = make_bucket(server, f"homes-{seed}-{uuid.uuid4().hex[:8]}")
    world = World(bucket, forks, directory, source, counts)
    schedule = Schedule(world, source)
    try:
        _begin(schedule)
        for _ in range(source.randint(*steps)):
            schedule.take_step()
        _end(schedule)
    except Exception as error:
        lines = "\n".join(f"  {number}. {each}" for number, each in enumerate(schedule.told, 1))
        kind = error.kind if isinstance(error, FindingError) else Kind.WRONG
        raise FindingError(
            f"seed {seed} on {server.name}: {kind.value}: {error}\n{lines}", kind
        ) from error
    finally:
        world.close()
    return schedule.told


def _begin(schedule: Schedule) -> None:
    """Two machines of one name; each has databases of its own, and one has stored them."""
    source = schedule.source
    settings = {
        "akosha_system_id": SYSTEM,
        "akosha_cloud_bucket": schedule.world.bucket.name,
        "akosha_enable_fallback": False,
        "akosha_enable_compression": source.random() < 0.5,
        "akosha_settle_seconds": 0,
        "akosha_min_interval_seconds": 0,
        "akosha_max_retries": source.choice([0, 1, 3]),
        "akosha_retry_backoff_seconds": 0.01,
        "akosha_parallel_uploads": source.choice([1, 3]),
    }
    for name in ("A", "B"):
        actor = schedule.world.new_actor(name, source.randbytes(16).hex(), **settings)
        for database in DATABASES:
            actor.write(database, schedule.world.fresh(source.choice(SIZES[:5])))
    schedule.world.actors[0].run(*SYNC)


def _end(schedule: Schedule) -> None:
    """All networks are well, a day passes, and each home syncs by hand: now all must be there.

    Twice: a home whose clock was moved meanwhile may have looked at its uploads less than a day
    ago, by its own clock.
    """
    world = schedule.world
    world.network.heal()
    for _ in range(2):
        world.advance(25 * HOUR)
        for actor in world.actors:
            child = actor.run(*SYNC)
            if child.code != 0 and len(actor.content) == len(DATABASES):
                raise FindingError(f"{actor.name}: the last sync fails: {child.text()}")
    world.judge()
