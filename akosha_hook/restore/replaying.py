"""Restored databases that their owner can open.

Session-Buddy's first session may leave a write-ahead log that DuckDB cannot replay in a plain open.
Session-Buddy then deletes the log, and with it all that was in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook import duckdb_reader
from akosha_hook.errors import AkoshaHookError
from akosha_hook.format.manifest import sidecars_of
from akosha_hook.restore.check import seconds_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.restore.check import Check
    from akosha_hook.restore.staging import Staging

AS_STORED = "--as-stored"


def replay_logs(
    staging: Staging, wanted: Sequence[StoredFile], checks: Mapping[str, Check]
) -> tuple[str, ...]:
    """Write the logs of databases in the staging directory into them, where a plain open cannot.

    Returns their names. What was found damaged or could not be checked stays as it was stored. Call
    it when nothing but putting the files in place is left to do: a file that was changed here is
    downloaded again by a restore that continues. Raises AkoshaHookError.
    """
    return tuple(
        database.name
        for database in _with_log(wanted)
        if not checks[database.name].problem and _replay(staging, database)
    )


def _with_log(wanted: Sequence[StoredFile]) -> Iterator[StoredFile]:
    names = {each.name for each in wanted}
    for each in wanted:
        is_duckdb = each.name == each.database and each.kind in ("", "duckdb")
        if is_duckdb and any(each.name + end in names for end in sidecars_of("duckdb")):
            yield each


def _replay(staging: Staging, database: StoredFile) -> bool:
    try:
        return duckdb_reader.replay(
            staging.whole / database.name, timeout_seconds=seconds_for(database)
        )
    except duckdb_reader.ReadError as error:
        raise AkoshaHookError(
            f"{database.name} is what was uploaded, but Session-Buddy could not open it, and its "
            f"write-ahead log could not be replayed here: {error.message}",
            hint=f"akosha-hook restore {AS_STORED} gives the stored bytes.",
        ) from error
