"""Databases that belong somewhere else than in the directory that the others are restored to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from akosha_hook.restore.objects import object_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from akosha_hook.context import Context
    from akosha_hook.restore.pipeline import Restored
    from akosha_hook.restore.plan import Plan
    from akosha_hook.restore.select import RestoreRequest


def elsewhere(names: Iterable[str], request: RestoreRequest, context: Context) -> dict[str, Path]:
    """By name, the databases that are configured outside the data directory, if that is restored."""
    if request.to:
        return {}
    paths = {each.name: each for each in context.outside_databases}
    return {name: paths[name] for name in names if name in paths}


def notes(planned: Plan) -> tuple[str, ...]:
    """Which databases go somewhere else."""
    return tuple(
        f"{name} goes to {path}, where Session-Buddy has it."
        for name, path in planned.elsewhere.items()
    )


def by_place(planned: Plan) -> tuple[Plan, ...]:
    """A plan for each directory, that of the data directory first; none without a file."""
    directories = dict.fromkeys(path.parent for path in planned.elsewhere.values())
    outside = [
        replace(
            _only(
                planned, {name for name, path in planned.elsewhere.items() if path.parent == each}
            ),
            directory=each,
            sets=(),
            guarded=(),
        )
        for each in directories
    ]
    inside = _only(planned, {*planned.items} - {*planned.elsewhere})
    return tuple(each for each in (inside, *outside) if each.files)


def merged(planned: Plan, parts: Sequence[Restored]) -> Restored:
    """What was restored in every place, as the whole of the plan."""
    first = parts[0]
    said = [*planned.notes, *notes(planned), *(note for each in parts for note in each.notes)]
    said += [
        f"The files that were replaced in {each.plan.directory} are kept in {each.kept}."
        for each in parts[1:]
        if each.kept is not None
    ]
    return replace(
        first,
        plan=planned,
        checks={name: check for each in parts for name, check in each.checks.items()},
        downloaded_bytes=sum(each.downloaded_bytes for each in parts),
        duration_seconds=parts[-1].duration_seconds,
        notes=tuple(dict.fromkeys(said)),
        sets=tuple(result for each in parts for result in each.sets),
        replayed=tuple(name for each in parts for name in each.replayed),
    )


def _only(planned: Plan, names: set[str]) -> Plan:
    files = tuple(each for each in planned.files if each.database in names)
    keys = {key for each in files for key in object_keys(each)}
    objects = {key: info for key, info in planned.objects.items() if key in keys}
    return replace(planned, files=files, objects=objects, elsewhere={}, notes=())
