"""The ids of the memories that a server has acknowledged, so that only new rows are sent.

One SQLite file per server with 16 bytes a memory, written durably after every batch. Losing it
costs only time: the rows are sent again, and the server answers that it has them.
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
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from akosha_hook.paths import Paths

logger = logging.getLogger(__name__)

_PARAMETERS = 500
_UNUSABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LAYOUT = 1


def path_of(paths: Paths, url: str) -> Path:
    """The file with the ids that the server at `url` acknowledged."""
    name = hashlib.sha256(base_of(url).encode()).hexdigest()[:16]
    return paths.state / "akosha-rows" / f"{name}.sqlite3"


def forget(paths: Paths, url: str) -> None:
    """Forget what the server at `url` acknowledged: the next push sends every row again."""
    path = path_of(paths, url)
    path.unlink(missing_ok=True)
    path.with_name(path.name + "-journal").unlink(missing_ok=True)


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
        known: set[bytes] = set()
        try:
            for chunk in _chunks(list(ids)):
                if self._connection is not None:
                    marks = ", ".join("?" * len(chunk))
                    known.update(
                        id_
                        for (id_,) in self._connection.execute(
                            f"SELECT id FROM acknowledged WHERE id IN ({marks})",  # noqa: S608
                            chunk,
                        )
                    )
        except sqlite3.DatabaseError as error:
            self._recover(error)
        return known

    def remember(self, ids: Collection[bytes]) -> None:
        """Record durably that the server has these."""
        if self._connection is None or not ids:
            return
        try:
            with self._connection:
                self._connection.executemany(
                    "INSERT OR IGNORE INTO acknowledged VALUES (?)", ((id_,) for id_ in ids)
                )
        except sqlite3.DatabaseError as error:
            self._recover(error)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE))
        connection = sqlite3.connect(self._path, check_same_thread=False)
        try:
            _create_table(connection)
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


def _create_table(connection: sqlite3.Connection) -> None:
    """Create the table where it is missing. A file of another layout counts as damaged."""
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout not in {0, _LAYOUT}:
        error = sqlite3.DatabaseError(f"unknown layout {layout}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    connection.execute(f"PRAGMA user_version = {_LAYOUT}")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS acknowledged (id BLOB PRIMARY KEY) WITHOUT ROWID"
    )
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
