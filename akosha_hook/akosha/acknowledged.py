"""The ids of the memories that a server has acknowledged, so that only new rows are sent.

One SQLite file per server, written durably after every batch: the id of each memory, and for what it
says the id under which the server was sent it, which stays when `session-buddy migrate` gives the row
another. Losing the file costs only time: the rows are sent again, and the server answers that it has
them.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
from typing import TYPE_CHECKING

from akosha_hook.akosha.client.transport import base_of
from akosha_hook.util.files import FILE_MODE, private_directory, set_aside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths

logger = logging.getLogger(__name__)

_PARAMETERS = 500
_UNUSABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LAYOUT = 1
_OWED, _ASKED = "owed", "asked"


def path_of(paths: Paths, url: str) -> Path:
    """The file with the ids that the server at `url` acknowledged."""
    name = hashlib.sha256(base_of(url).encode()).hexdigest()[:16]
    return paths.state / "akosha-rows" / f"{name}.sqlite3"


def forget(paths: Paths, url: str) -> None:
    """Forget what the server at `url` acknowledged: the next push sends every row again."""
    if path_of(paths, url).exists():
        with opened(paths, url) as acknowledged:
            acknowledged.forget()


class Acknowledged:
    """The ids that a server has acknowledged.

    Never raises for a file that cannot be used: then nothing is known, and `problem` says why.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self.problem = ""
        try:
            private_directory(path.parent)
            self._connection = self._connect()
        except sqlite3.DatabaseError as error:
            self._recover(error)
        except OSError as error:
            self._do_without(error)

    def known(self, ids: Collection[bytes]) -> set[bytes]:
        """Those of `ids` that the server has acknowledged."""
        return {id_ for (id_,) in self._rows("SELECT id FROM acknowledged WHERE id", ids)}

    def ids_of(self, contents: Collection[bytes]) -> dict[bytes, bytes]:
        """The id under which the server was sent a content, for those of which it is known."""
        rows = self._rows("SELECT content, id FROM contents WHERE content", contents)
        return {content: id_ for content, id_ in rows}  # noqa: C416 - mypy wants pairs

    def remember(
        self, ids: Collection[bytes], contents: Mapping[bytes, bytes] | None = None
    ) -> None:
        """Record durably that the server has these; `contents` are ids by content."""
        if self._connection is None or not (ids or contents):
            return
        with self._recovering(), self._connection as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO acknowledged VALUES (?)", ((id_,) for id_ in ids)
            )
            connection.executemany(
                "INSERT OR REPLACE INTO contents VALUES (?, ?)", (contents or {}).items()
            )

    def forget(self) -> None:
        """The server has none of them any more. Under which ids it gets them again is kept.

        From now on every row of every database is owed, until `settle`.
        """
        if self._connection is None:
            return
        with self._recovering(), self._connection as connection:
            connection.execute("DELETE FROM acknowledged")
            connection.execute("INSERT OR REPLACE INTO state VALUES (?, 1)", (_OWED,))

    @property
    def is_owed(self) -> bool:
        """Whether rows were forgotten, and no complete push has sent all of them since."""
        return bool(self._state(_OWED))

    def settle(self) -> None:
        """Every row of every database was pushed."""
        self._set(_OWED, 0)

    @property
    def asked_at(self) -> float:
        """When the server was last asked for rows that it had acknowledged, in epoch seconds."""
        return float(self._state(_ASKED))

    def remember_asking(self, at: float) -> None:
        self._set(_ASKED, int(at))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, query: str, keys: Collection[bytes]) -> list[tuple[bytes, ...]]:
        """What `query`, completed with some of `keys` at a time, gives."""
        found: list[tuple[bytes, ...]] = []
        with self._recovering():
            for chunk in _chunks(list(keys)):
                if self._connection is not None:
                    marks = ", ".join("?" * len(chunk))
                    found.extend(self._connection.execute(f"{query} IN ({marks})", chunk))
        return found

    def _state(self, name: str) -> int:
        if self._connection is None:
            return 0
        with self._recovering():
            query = "SELECT value FROM state WHERE name = ?"
            row = self._connection.execute(query, (name,)).fetchone()
            return row[0] if row and isinstance(row[0], int) else 0
        return 0

    def _set(self, name: str, value: int) -> None:
        if self._connection is None:
            return
        with self._recovering(), self._connection as connection:
            connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    @contextlib.contextmanager
    def _recovering(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            self._recover(error)

    def _connect(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE))
        connection = sqlite3.connect(self._path, check_same_thread=False)
        try:
            _create_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _recover(self, error: sqlite3.DatabaseError) -> None:
        """Replace a damaged file by a new one, once.

        After any other error, such as a full disk, this push goes on without the file.
        """
        self.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNUSABLE or self.problem:
            self._do_without(error)
            return
        aside = set_aside(self._path)
        self._path.with_name(self._path.name + "-journal").unlink(missing_ok=True)
        self.problem = (
            f"The list of rows that Akosha already has was damaged ({error}) and was moved to "
            f"{aside}; every row is sent again once"
        )
        logger.warning("%s", self.problem)
        try:
            self._connection = self._connect()
        except (sqlite3.DatabaseError, OSError) as again:
            self._do_without(again)

    def _do_without(self, error: Exception) -> None:
        self.problem = (
            f"The list of rows that Akosha already has could not be saved in {self._path} "
            f"({error}); the rows are sent again next time"
        )
        logger.warning("%s", self.problem)


def _create_tables(connection: sqlite3.Connection) -> None:
    """Create what is missing. A file of another layout counts as damaged.

    0.1.0 wrote the first table only, and takes no notice of the others.
    """
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout not in {0, _LAYOUT}:
        error = sqlite3.DatabaseError(f"unknown layout {layout}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    connection.execute(f"PRAGMA user_version = {_LAYOUT}")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS acknowledged (id BLOB PRIMARY KEY) WITHOUT ROWID"
    )
    connection.execute(
        "CREATE TABLE IF NOT EXISTS contents (content BLOB PRIMARY KEY, id BLOB NOT NULL) "
        "WITHOUT ROWID"
    )
    connection.execute("CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER)")
    connection.commit()


def _chunks(ids: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(ids), _PARAMETERS):
        yield ids[start : start + _PARAMETERS]


@contextlib.contextmanager
def opened(paths: Paths, url: str) -> Iterator[Acknowledged]:
    """The ids acknowledged by the server at `url`; closed at the end of the block."""
    acknowledged = Acknowledged(path_of(paths, url))
    try:
        yield acknowledged
    finally:
        acknowledged.close()
