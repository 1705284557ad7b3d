"""Many homes of one name whose sessions end in the same moment."""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.world import SYSTEM, World, digest
from tests.support.s3 import make_bucket

if TYPE_CHECKING:
    from akosha_hook.demo.s3_server import S3Server
    from tests.support.forks import Forks

HOMES = 28
SIZE = 20 * 1024


def stored_at_once(server: S3Server, forks: Forks, directory: Path, *, homes: int = HOMES) -> int:
    """Start a worker in each home at once; how many of their uploads are whole in the bucket.

    An upload counts where its home's receipt says success and the reader finds in it what that
    home's database holds.
    """
    bucket = make_bucket(server, f"at-once-{uuid.uuid4().hex[:8]}")
    world = World(bucket, forks, directory, random.Random(0))
    settings = {
        "akosha_system_id": SYSTEM,
        "akosha_cloud_bucket": bucket.name,
        "akosha_enable_fallback": False,
        "akosha_settle_seconds": 0,
        "akosha_min_interval_seconds": 0,
    }
    try:
        for number in range(homes):
            actor = world.new_actor(f"home{number}", f"{number:032x}", **settings)
            actor.configure(akosha_cloud_endpoint=server.endpoint)
            actor.confirm()
            actor.write("reflection.duckdb", world.fresh(SIZE))
            forks.run(["event"], actor.environ)
        workers = [actor.start("worker") for actor in world.actors]
        for each in workers:
            each.wait()
        look = world.reader.look()
    finally:
        world.close()
    stored = 0
    for actor in world.actors:
        wanted = {
            "reflection.duckdb": {"reflection.duckdb": digest(actor.content["reflection.duckdb"])}
        }
        uploads = [look.upload(each["upload_id"]) for each in actor.receipts()]
        stored += any(each and each.whole and each.databases == wanted for each in uploads)
    return stored
