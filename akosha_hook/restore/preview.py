"""What a restore would do with the files of sets: that is known once their tars are here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.errors import DamagedError
from akosha_hook.restore import sets
from akosha_hook.restore.assemble import assemble
from akosha_hook.restore.objects import object_keys
from akosha_hook.restore.staging import need_room, temporary_staging
from akosha_hook.util import files

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.restore.plan import Plan
    from akosha_hook.restore.select import RestoreRequest
    from akosha_hook.restore.sets import SetResult
    from akosha_hook.stores.base import ObjectStore

# A set of which more than this would have to be downloaded is not looked into.
MOST_BYTES = 100 * 1024 * 1024


def preview_sets(
    store: ObjectStore, planned: Plan, request: RestoreRequest, context: Context
) -> tuple[SetResult, ...]:
    """What would become of the files of each set, but of those that are too large to look into.

    Downloads them into a temporary directory. Raises DamagedError.
    """
    tars = {each.name: each for each in planned.files if each.kind == "files"}
    results = []
    files.private_directory(context.paths.state)
    for each in planned.sets:
        file = tars[each.item]
        if sum(planned.objects[key].size for key in object_keys(file)) > MOST_BYTES:
            continue
        need_room(context.paths.state, [file])
        with temporary_staging(context.paths.state) as staging:
            assemble(store, file, staging, planned.objects, context.progress)
            tar = staging.whole / file.name
            if problem := sets.problem_of(tar, each.name):
                raise DamagedError(f"{file.name} cannot be put back: {problem}.")
            results.append(sets.compare(tar, each, force=request.force))
    return tuple(results)
