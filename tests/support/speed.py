"""Which tests are `quick` and which are `slow`, by rule: the marks of `make quick` and `make slow`.

A new test needs no mark. It is quick unless it asks for a server or lies in a place listed below.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


# Fixtures that start a server, directly or through one that asks for them.
SERVERS = frozenset(
    {"seaweedfs", "rclone", "any_server", "akosha", "place", "seaweedfs_tls", "rclone_tls"}
)

# Folders and files below tests/ whose tests take long, and why; none of them is quick.
NOT_QUICK = {
    "bench": "measures processes",
    "chaos": "kills whole programs",
    "cli/test_demo.py": "runs the demo",
    "demo/test_s3_server.py": "starts servers",
    "duckdb_reader": "opens databases in child processes",
    "install/test_managers.py": "runs pre-commit, prek, lefthook and husky",
    "restore/test_place.py": "opens databases in child processes",
    "security": "runs whole programs",
    "stores/contract": "runs on every server",
    "stores/s3/test_connect.py": "counts what goes over the wire to a server",
    "test_api.py": "runs whole commands",
    "test_mcp.py": "runs an MCP server",
    "test_packaging.py": "builds the package",
    "test_pre_commit_hooks.py": "runs pre-commit and prek",
    "worker/test_loop.py": "runs workers",
    "worker/test_main.py": "runs workers",
}

# What only `make slow` runs: the longest, which find what no smaller test finds, but seldom.
SLOW = {
    "chaos/test_schedules.py": "draws schedules of faults and kills",
}


def marks(path: PurePosixPath, fixtures: Collection[str]) -> tuple[str, ...]:
    """The marks of a test in the file `path`, relative to tests/, that uses `fixtures`."""
    if _lies_in(path, SLOW):
        return ("slow",)
    if SERVERS.isdisjoint(fixtures) and not _lies_in(path, NOT_QUICK):
        return ("quick",)
    return ()


def _lies_in(path: PurePosixPath, places: Collection[str]) -> bool:
    return any(path.is_relative_to(place) for place in places)
