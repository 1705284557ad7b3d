"""One thing `doctor` looked at, and what it found."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from akosha_hook.errors import ExitCode, UnreachableError
from akosha_hook.util import log

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is what was looked at, `detail` what is there, `fix` what to type or change.

    `exit_code` is what `doctor` ends with where this is the first problem.
    """

    area: str
    name: str
    state: State
    detail: str
    fix: str = ""
    exit_code: ExitCode = ExitCode.FAILED

    def __post_init__(self) -> None:
        # It may quote a server, a file or a program.
        object.__setattr__(self, "detail", log.redacted(self.detail))


def bounded(request: Callable[[], T], *, seconds: float, what: str) -> T:
    """`request()`, given up after `seconds`: a resolver or a helper program may never answer.

    Raises what it raises, or UnreachableError. A request given up goes on in a thread that does not
    keep the process alive.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(request())
        except BaseException as error:  # noqa: BLE001 - raised where it was waited for
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise UnreachableError(f"{what} took longer than {seconds:g} s")
    return results[0]
