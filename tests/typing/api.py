"""What a type checker sees of the public API; `make lint` checks this file, nothing runs it."""

from __future__ import annotations

from typing import Any, assert_type

import akosha_hook
from akosha_hook import __version__, akosha_sync_status, sync_to_akosha
from akosha_hook.errors import (
    AkoshaHookError,
    BusyError,
    CredentialsError,
    DamagedError,
    DeadlinePassedError,
    DeliveryError,
    ExitCode,
    Kind,
    NothingToBackUpError,
    SettingsError,
    UnreachableError,
)

assert_type(__version__, str)
assert_type(akosha_hook.__version__, str)


async def synced() -> None:
    assert_type(await sync_to_akosha(), dict[str, Any])
    assert_type(await sync_to_akosha("cloud", False), dict[str, Any])
    assert_type(await sync_to_akosha(method="http", enable_fallback=True), dict[str, Any])
    assert_type(await akosha_hook.sync_to_akosha("auto"), dict[str, Any])
    # Unused ignores are errors: each line below must be refused.
    await sync_to_akosha(method="ftp")  # type: ignore[arg-type]
    await sync_to_akosha(enable_fallback="no")  # type: ignore[arg-type]


async def looked() -> None:
    assert_type(await akosha_sync_status(), dict[str, Any])
    assert_type(await akosha_hook.akosha_sync_status(), dict[str, Any])
    await akosha_sync_status("here")  # type: ignore[call-arg]


def handled(error: AkoshaHookError) -> None:
    assert_type(error.message, str)
    assert_type(error.hint, str)
    assert_type(error.kind, Kind)
    assert_type(error.exit_code, ExitCode)
    assert_type(error.details, dict[str, Any])


def failed(error: DeliveryError) -> None:
    assert_type(error.code, str)
    assert_type(error.retryable, bool)
    assert_type(error.request_id, str)


def waited(error: DeadlinePassedError) -> None:
    assert_type(error.seconds, float)


EVERY: tuple[type[AkoshaHookError], ...] = (
    BusyError,
    CredentialsError,
    DamagedError,
    DeadlinePassedError,
    DeliveryError,
    NothingToBackUpError,
    SettingsError,
    UnreachableError,
)
UNREACHABLE: tuple[type[UnreachableError], ...] = (DeadlinePassedError, DeliveryError)
RAISED = AkoshaHookError("what failed", hint="what to type", kind=Kind.BUSY)
assert_type(RAISED, AkoshaHookError)
AkoshaHookError("what failed", kind="busy")  # type: ignore[arg-type]
