"""What `doctor` found out about one thing."""

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
    """`name` is what was checked, `detail` the result, `fix` what to type or change.

    `exit_code` is that of `doctor` if this is the first problem.
    """

    area: str
    name: str
    state: State
    detail: str
    fix: str = ""
    exit_code: ExitCode = ExitCode.FAILED

    def __post_init__(self) -> None:
        # It may quote a server, a file or a program, and with it a key.
        object.__setattr__(self, "detail", log.redacted(self.detail))


def bounded(request: Callable[[], T], *, seconds: float, what: str) -> T:
    """`request()`, or UnreachableError after `seconds`: a resolver or a helper may never answer.

    Raises what `request` raises. After the time is up it continues in a thread that does not keep
    the process alive.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(request())
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise UnreachableError(f"{what} took longer than {seconds:g} s")
    return results[0]
