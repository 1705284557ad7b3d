"""The directory that a restore writes to, created for it where it is missing."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def created(directory: Path) -> Iterator[None]:
    """Create `directory` and its parents for the block.

    Where the block raises, those that were created and are still empty are removed again: a restore
    that was refused leaves no folder. Raises AkoshaHookError where it cannot be created.
    """
    missing = _missing(directory)
    try:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise AkoshaHookError(
                f"{directory} cannot be made: {error.strerror}.",
                hint="Choose another place: akosha-hook restore --to DIR",
            ) from error
        yield
    except BaseException:
        for each in missing:
            with contextlib.suppress(OSError):  # only an empty one goes
                each.rmdir()
        raise


def _missing(directory: Path) -> list[Path]:
    """`directory` and its parents, as far as they do not exist, deepest first."""
    missing = []
    for each in (directory, *directory.parents):
        if os.path.lexists(each):
            break
        missing.append(each)
    return missing
