"""What a database carries that runs in whatever uses it: triggers and views.

Defaults, checks and generated columns are only data: they can call SQLite's own functions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    Kind = Literal["view", "trigger"]

MAX = 20
MAX_NAME = 80
# How SQLite writes down what only holds data, whatever spelling it was given. It runs what the
# statement says, so the column `type` proves nothing.
_DATA = re.compile(r"CREATE (?:TABLE|(?:UNIQUE )?INDEX|VIRTUAL TABLE)\b", re.IGNORECASE)
_VIEW = re.compile(r"CREATE\s+VIEW\b", re.IGNORECASE)


def carried(connection: sqlite3.Connection) -> Iterator[tuple[Kind, str]]:
    """Kind and name of each, as far as there are not too many; nothing of it is run."""
    found = 0
    for kind, name, statement in connection.execute(
        "SELECT type, name, sql FROM main.sqlite_master"
    ):
        data_only = statement is None or _DATA.match(str(statement))
        if data_only and kind not in {"view", "trigger"}:
            continue
        is_view = kind == "view" or _VIEW.match(str(statement))
        yield ("view" if is_view else "trigger"), _short(str(name))
        found += 1
        if found == MAX:
            return


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"
