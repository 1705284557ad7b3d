"""Several homes on one bucket, what happens to them, and what must be true of the bucket.

A home knows what its databases hold and what it was told is stored. Every time a sync says that it
succeeded, a reader that knows only docs/object-format.md looks at the bucket before anything else
happens.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any
from unittest import mock

from akosha_hook.paths import Paths
from akosha_hook.state import host
from tests.support.ages import Ages
from tests.support.faults import FaultyProxy, Pause, faulty_proxy
from tests.support.forks import Child, Forks
from tests.support.home import pin
from tests.support.reader import Look, Reader, Upload
from tests.support.s3 import TestBucket
from tests.support.waiting import until

HOUR, DAY = 3600.0, 86_400.0
SYSTEM = "laptop"
DATABASES = ("reflection.duckdb", "knowledge_graph.duckdb")


class Kind(Enum):
    """What was found: a word for each promise that it breaks."""

    CRASH = "a command crashed"
    LIE = "a success that was none"
    FELL_OUT = "a database fell out"
    UNNOTICED = "nobody noticed that something is gone"
    DELETED = "something was deleted that was needed"
    LEFT = "something is left over"
    WRONG = "something else is wrong"


class FindingError(AssertionError):
    """Something that must not happen, whatever the schedule was."""

    def __init__(self, message: str, kind: Kind = Kind.WRONG) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class Counts:
    """What happened in all schedules."""

    schedules: int = 0
    steps: int = 0
    events: int = 0
    changes: int = 0
    syncs: int = 0
    successes: int = 0
    kills: int = 0
    faults: int = 0
    prunes: int = 0
    restores: int = 0
    clones: int = 0
    lost_objects: int = 0
    full_disks: int = 0
    clock_jumps: int = 0
    damages: int = 0
    receipts_spoiled: int = 0
    uploads: int = 0


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Actor:
    """One home, and what it was told.

    `content` is what each sound database holds now, `history` has every state it ever had.
    `claimed` is the last state of each database that a success spoke of, and `at_risk` the
    databases whose stored copy somebody deleted since then; `claimed_as` is the machine id it had
    then. A clone has a new id, and what its original stored is not its own. `skew` is by how many seconds its
    clock is ahead of everybody's.
    """

    name: str
    root: Path
    world: World
    machine: str
    settings: dict[str, object]
    skew: float = 0.0
    content: dict[str, bytes] = field(default_factory=dict)
    history: dict[str, list[str]] = field(default_factory=dict)
    claimed: dict[str, str] = field(default_factory=dict)
    claims: set[str] = field(default_factory=set)
    claimed_as: dict[str, str] = field(default_factory=dict)
    at_risk: set[str] = field(default_factory=set)
    twins: bool = False
    spoiled: bool = False

    @property
    def state(self) -> Path:
        return self.root / ".claude" / "akosha"

    @property
    def data(self) -> Path:
        return self.root / ".claude" / "data"

    @property
    def machine_id(self) -> str:
        try:
            return str(json.loads((self.state / "machine.json").read_text())["machine_id"])
        except (OSError, ValueError, KeyError):
            return ""

    def configure(self, **settings: object) -> None:
        self.settings |= settings
        path = self.root / ".claude" / "settings" / "session-buddy.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "".join(f"{key}: {json.dumps(each)}\n" for key, each in self.settings.items())
        )

    def confirm(self) -> None:
        """The user confirms where the settings lead."""
        paths = replace(Paths.from_environment(self.environ), user_toml=self.root / "config.toml")
        with mock.patch.object(host, "_machine_id", return_value=self.machine):
            pin(paths, **self.environ)

    # What happens to its databases

    def write(self, name: str, content: bytes) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        new = self.data.parent / f"{name}.new"
        new.write_bytes(content)
        new.replace(self.data / name)
        self.content[name] = content
        self.history.setdefault(name, []).append(digest(content))

    def spoil(self, name: str, how: str) -> None:
        path = self.data / name
        self.content.pop(name, None)
        if how == "deleted":
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(b"" if how == "emptied" else b"\xff" * 4096)

    def brought_back(self, name: str, content: bytes) -> None:
        """A database was restored in place; what is stored may be another machine's of that name."""
        self.content[name] = content
        self.history.setdefault(name, []).append(digest(content))

    def forget(self, name: str) -> None:
        """The user gave a database up: nobody has to keep it."""
        self.claimed.pop(name, None)
        self.world.forgotten.add((self.machine_id, name))

    # What it runs

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.root),
            "XDG_CONFIG_HOME": str(self.root / ".config"),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
        }

    def start(self, *command: str, disk: int | None = None) -> Child:
        shift = self.world.now + self.skew
        return self.world.forks.start(
            command, self.environ, shift=shift, machine=self.machine, disk=disk
        )

    def run(self, *command: str, disk: int | None = None) -> Child:
        child = self.start(*command, disk=disk)
        child.wait()
        self.ended(command, child)
        return child

    def ended(self, command: Sequence[str], child: Child) -> None:
        """What must be true when a command has ended, however it did."""
        text = child.text()
        if "Traceback (most recent call last)" in text or (child.code or 0) in {-11, -6}:
            raise FindingError(
                f"{self.name}: {' '.join(command)} crashed ({child.code}): {text[-2000:]}",
                Kind.CRASH,
            )
        look = self.world.look()
        self._judge_receipts(look)
        if command[0] == "sync" and child.code == 0:
            self._judge_success(look, child.document())

    def _judge_receipts(self, look: Look) -> None:
        """Each receipt that is new and speaks of success tells the truth."""
        fresh = [each for each in self.receipts() if each["upload_id"] not in self.claims]
        for receipt in sorted(fresh, key=lambda each: int(each["sequence"])):
            name = receipt["upload_id"]
            self.claims.add(name)
            upload = look.upload(name)
            if upload is None:
                raise FindingError(
                    f"{self.name}: {name} is a success and not in the bucket", Kind.LIE
                )
            if not upload.whole:
                raise FindingError(
                    f"{self.name}: {name} is a success, and {upload.problem}", Kind.LIE
                )
            self._judge_content(upload)

    def _judge_content(self, upload: Upload) -> None:
        """It has a state of each database, and none that was there before is left out."""
        for name, before in self._missed(upload):
            if not self._is_as_new(name, upload.databases.get(name), before):
                raise FindingError(
                    f"{self.name}: {upload.upload_id} lacks the last good copy of {name}: "
                    f"it has {upload.databases.get(name)}, not {before[:12]}",
                    Kind.FELL_OUT,
                )
        for name, stored in upload.databases.items():
            if name not in stored or stored[name] not in self.history.get(name, ()):
                raise FindingError(f"{self.name}: {upload.upload_id} has {name} as it never was")
            if name in self.content or self._is_as_new(name, stored, self.claimed.get(name, "")):
                self.claimed[name], self.claimed_as[name] = stored[name], upload.machine_id
                self.at_risk.discard(name)

    def _judge_success(self, look: Look, said: Mapping[str, Any]) -> None:
        """`akosha-hook sync` says that everything is stored, now."""
        self.world.counts.successes += 1
        if said["state"] == "unchanged" and self.world.recently_lost:
            return
        own = self.newest_claimed(look)
        if own is None:
            raise FindingError(
                f"{self.name}: {said['state']}, and none of its uploads is there", Kind.UNNOTICED
            )
        if not own.whole:
            raise FindingError(f"{self.name}: {said['state']}, and {own.problem}", Kind.UNNOTICED)
        self.judge_present(own, said["state"])

    def judge_present(self, own: Upload, said: str) -> None:
        for name, content in self.content.items():
            if own.databases.get(name) != {name: digest(content)}:
                raise FindingError(
                    f"{self.name}: {said}, and {own.upload_id} has another {name}", Kind.UNNOTICED
                )
        for name, before in self._missed(own):
            if not self._is_as_new(name, own.databases.get(name), before):
                raise FindingError(
                    f"{self.name}: {said}, and {own.upload_id} has no good {name}", Kind.FELL_OUT
                )

    def _missed(self, upload: Upload) -> list[tuple[str, str]]:
        """Databases that are not sound here now, and the copy that `upload` must keep of each."""
        return [
            (name, before)
            for name, before in self.claimed.items()
            if name not in self.content
            and name not in self.at_risk
            and self.claimed_as[name] == upload.machine_id
        ]

    def _is_as_new(self, name: str, stored: Mapping[str, str] | None, before: str) -> bool:
        """Whether that is the state of `before`, or a later one."""
        states = self.history.get(name, [])
        now = (stored or {}).get(name, "")
        if now not in states or (before and before not in states):
            return False
        last = len(states) - 1 - states[::-1].index(now)
        return not before or last >= states.index(before)

    def newest_claimed(self, look: Look) -> Upload | None:
        """The newest upload that it was told of."""
        return next((each for each in look.uploads if each.upload_id in self.claims), None)

    def receipts(self) -> list[dict[str, Any]]:
        """Receipts of success to the bucket; one that cannot be read is none."""
        found = []
        for path in (self.state / "receipts").glob("*.json"):
            try:
                receipt = json.loads(path.read_text())
            except (OSError, ValueError):
                continue
            # A flipped bit may be in a key.
            if (
                isinstance(receipt, dict)
                and receipt.get("success") is True
                and "upload_id" in receipt
            ):
                found.append(receipt)
        return found

    def litter(self) -> list[str]:
        """What must not be left in the state directory once a sync has succeeded."""
        found = [*self.state.rglob("*.tmp"), *self.state.rglob("*.journal")]
        found += [*(self.state / "outbox").glob("*.event")]
        snapshots = self.state / "snapshots"
        found += [*snapshots.iterdir()] if snapshots.is_dir() else []
        return [str(each.relative_to(self.root)) for each in found]


@dataclass
class World:
    """The bucket, its homes, and time; `lost_at` is when something of theirs was last deleted.

    `good` has, by machine id, the newest sequence seen and what its manifest said of each
    database; `harmed` are machines some of whose objects were deleted by others, `gone` those
    objects, `forgotten` databases that a user gave up, by machine id.
    """

    bucket: TestBucket
    forks: Forks
    directory: Path
    source: random.Random
    counts: Counts = field(default_factory=Counts)
    ages: Ages = field(default_factory=Ages)
    actors: list[Actor] = field(default_factory=list)
    lost_at: float = -10 * DAY
    good: dict[str, tuple[int, dict[str, dict[str, str]]]] = field(default_factory=dict)
    harmed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    forgotten: set[tuple[str, str]] = field(default_factory=set)
    listed: dict[str, bool] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        """All homes reach the bucket by one network: a clone's endpoint is that of its original."""
        self.reader = Reader(self.bucket.client, self.bucket.name)
        self._network = ExitStack()
        endpoint = self.bucket.server.endpoint
        self.network: FaultyProxy = self._network.enter_context(faulty_proxy(endpoint))
        self.network.rewrite = self.ages

    @property
    def now(self) -> float:
        """By how many seconds everybody's clock is ahead of the real one."""
        return self.ages.now

    @property
    def recently_lost(self) -> bool:
        """Whether something was deleted that nobody needs to have noticed yet."""
        return self.now - self.lost_at < DAY

    def advance(self, seconds: float) -> None:
        self.ages.now += seconds

    def fresh(self, size: int) -> bytes:
        """Bytes that look like a database and were never seen before."""
        self.number += 1
        seed = f"{self.source.random()} {self.number}"
        return b"\0" * 8 + b"DUCK" + random.Random(seed).randbytes(size - 12)

    def new_actor(self, name: str, machine: str, **settings: object) -> Actor:
        root = self.directory / name
        root.mkdir()
        credentials = root / ".aws" / "credentials"
        credentials.parent.mkdir()
        credentials.touch(mode=0o600)
        server = self.bucket.server
        credentials.write_text(
            f"[default]\naws_access_key_id = {server.access_key}\n"
            f"aws_secret_access_key = {server.secret_key}\n"
        )
        actor = Actor(name, root, self, machine, dict(settings))
        actor.configure(akosha_cloud_endpoint=self.network.url)
        actor.confirm()
        self.actors.append(actor)
        return actor

    def clone(self, actor: Actor, name: str, machine: str) -> Actor:
        """`actor`'s home copied to another place, state directory and all."""
        self.counts.clones += 1
        copy = self.new_actor(name, machine, **actor.settings)
        shutil.rmtree(copy.root / ".claude")
        shutil.copytree(actor.root / ".claude", copy.root / ".claude", copy_function=shutil.copy2)
        copy.confirm()  # its databases lie elsewhere
        copy.content, copy.claimed = dict(actor.content), dict(actor.claimed)
        copy.history = {key: [*each] for key, each in actor.history.items()}
        copy.claimed_as = dict(actor.claimed_as)
        copy.claims, copy.at_risk = set(actor.claims), set(actor.at_risk)
        copy.skew, copy.spoiled = actor.skew, actor.spoiled
        copy.twins = actor.twins = actor.twins or machine == actor.machine
        return copy

    # The bucket

    def look(self) -> Look:
        """What is in the bucket now; what was whole and is not any more must have been deleted."""
        look = self.reader.look()
        for each in look.uploads:
            was = self.listed.get(each.upload_id, False)
            if was and not each.whole and not each.needs & self.gone:
                raise FindingError(
                    f"an upload was whole and is not any more: {each.problem}", Kind.DELETED
                )
            self.listed[each.upload_id] = was or each.whole
        for machine_id in look.machines():
            self._remember(look, machine_id)
        return look

    def _remember(self, look: Look, machine_id: str) -> None:
        latest = look.latest(machine_id)
        before, known = self.good.get(machine_id, (-1, {}))
        if latest is None or latest.sequence <= before:
            return
        for name in known:
            if (machine_id, name) in self.forgotten:
                continue
            if name not in latest.databases and machine_id not in self.harmed:
                raise FindingError(
                    f"{latest.upload_id} says nothing of {name}, which was stored before",
                    Kind.FELL_OUT,
                )
        self.good[machine_id] = latest.sequence, latest.databases

    def in_order(self, look: Look) -> list[str]:
        """Keys in the order in which they were stored: upload ids are random, the order is not."""
        order = {path: number for number, path in enumerate(self.ages.born)}
        last = len(order)
        return sorted(look.objects, key=lambda key: order.get(f"/{self.bucket.name}/{key}", last))

    def lose(self, keys: Sequence[str]) -> None:
        """Somebody else deletes objects."""
        look = self.look()
        gone = set(keys)
        self.gone |= gone
        for each in look.uploads:
            prefix = f"systems/{each.system_id}/uploads/{each.upload_id}/"
            if each.needs & gone or f"{prefix}manifest.json" in gone:
                self.harmed.add(each.machine_id)
        for actor in self.actors:
            actor.at_risk |= set(actor.claimed)
        for key in keys:
            self.bucket.client.remove_object(self.bucket.name, key)
        self.counts.lost_objects += len(keys)
        self.lost_at = self.now

    def expire(self, keys: Sequence[str]) -> None:
        """A lifecycle rule deletes objects that are as old as it says.

        It must not take anything that the newest upload of a home in use needs; what homes did
        that are not in use any more may go.
        """
        used = {each.machine_id for each in self.actors}
        self.harmed |= self.look().machines() - used
        self.gone |= set(keys)
        for key in keys:
            self.bucket.client.remove_object(self.bucket.name, key)
        self.counts.lost_objects += len(keys)

    # The end

    def judge(self) -> None:
        """What must be true when each home has synced with a network that is well."""
        look = self.look()
        self.counts.uploads += len(look.uploads)
        for machine_id, (_, databases) in self.good.items():
            if machine_id not in self.harmed:
                self._judge_machine(look, machine_id, databases)
        for actor in self.actors:
            own = actor.newest_claimed(look)
            if actor.claimed and own is None:
                raise FindingError(f"{actor.name}: none of its uploads is left", Kind.DELETED)
            if own is not None and not own.whole:
                raise FindingError(
                    f"{actor.name}: its newest upload is not whole: {own.problem}", Kind.UNNOTICED
                )
            if own is not None:
                actor.judge_present(own, "at the end")
        self._judge_listing(look)
        self._judge_litter(look)

    def _judge_machine(
        self, look: Look, machine_id: str, databases: Mapping[str, Mapping[str, str]]
    ) -> None:
        latest = look.latest(machine_id)
        if latest is None:
            raise FindingError(f"nothing is left of machine {machine_id}", Kind.DELETED)
        if latest.sequence < self.good[machine_id][0]:
            raise FindingError(
                f"the newest upload of machine {machine_id} is gone: {self.good}", Kind.DELETED
            )
        for name in databases:
            if name not in latest.databases and (machine_id, name) not in self.forgotten:
                raise FindingError(
                    f"the last good copy of {name} of machine {machine_id} is gone", Kind.FELL_OUT
                )

    def _judge_listing(self, look: Look) -> None:
        """`ls` calls complete what is whole, and nothing else; "latest" is one of those."""
        document = self.actors[0].run("ls", "--json", "--system", SYSTEM, "-n", "9999").document()
        (system,) = document["systems"]
        listed = {each["upload_id"]: each for each in system["uploads"]}
        for each in look.uploads:
            said = listed.get(each.upload_id, {"state": "nothing", "problem": ""})
            if (said["state"] == "complete") != each.whole:
                raise FindingError(
                    f"ls calls {each.upload_id} {said['state']}: {said['problem']}; "
                    f"the reader says: {each.problem or 'whole'}"
                )

    def _judge_litter(self, look: Look) -> None:
        """Nothing is left of what was killed, but where a receipt that told of it was destroyed."""
        for actor in self.actors:
            if len(actor.content) == len(DATABASES) and (litter := actor.litter()):
                raise FindingError(f"{actor.name}: left over: {litter}", Kind.LEFT)
        if any(each.spoiled for each in self.actors):
            return
        if count := self.bucket.open_uploads():
            raise FindingError(f"{count} multipart uploads are left", Kind.LEFT)
        never = [key for key in look.unneeded() if key.split("/")[3] not in self.listed]
        if never:
            raise FindingError(f"left of uploads that never got their manifest: {never}", Kind.LEFT)

    def close(self) -> None:
        self._network.close()


def held_at(child: Child, pause: Pause) -> bool:
    """Wait until the request comes at which `child` is held; False where it ended before."""
    until(lambda: pause.arrived.is_set() or child.poll() is not None, "the process gets there")
    return pause.arrived.is_set()
