"""The one place where errors become messages and exit codes."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import TYPE_CHECKING

import click

from akosha_hook.errors import AkoshaHookError, ExitCode, Kind
from akosha_hook.paths import Paths
from akosha_hook.util import files, log
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)


def say_error(error: AkoshaHookError) -> None:
    """Print what failed and what to type next on stderr."""
    keep = "\n" if error.lines else ""
    click.echo(f"Error: {printable(log.redacted(error.message), keep=keep)}", err=True)
    if error.hint:
        click.echo(f"Try: {printable(log.redacted(error.hint), keep=keep)}", err=True)


def error_document(error: AkoshaHookError) -> dict[str, str]:
    """The error's keys in a JSON document."""
    return {"error": log.redacted(error.message), "hint": log.redacted(error.hint)}


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run `command`; whatever it raises becomes one of our exit codes."""
    # Until a command opens the log, log records must not reach the terminal.
    logging.getLogger(log.LOGGER).addHandler(logging.NullHandler())
    try:
        code = command.main(args=arguments, prog_name="akosha-hook", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Interrupted.", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        _show_usage_error(error)
        return ExitCode.USAGE
    except BrokenPipeError:
        # The reader is gone (`| head`); stdout must not be flushed to it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a message
        return _failed(error)
    return code if isinstance(code, int) else ExitCode.OK


def _show_usage_error(error: click.ClickException) -> None:
    """What click shows, with what was typed escaped: a script may have taken it from anywhere."""
    text = io.StringIO()
    error.show(text)
    message = error.format_message()
    said = text.getvalue().replace(message, printable(message, keep=""))
    click.echo(printable(said), err=True, nl=False)


def _failed(error: Exception) -> int:
    if isinstance(error, OSError) and files.is_disk_error(error):
        return _failed(_disk_error(error))
    if isinstance(error, AkoshaHookError):
        logger.error("%s", error.message, exc_info=error)
        say_error(error)
        return error.exit_code
    logger.error("Unexpected error", exc_info=error)
    click.echo(
        f"Error: unexpected {type(error).__name__}: {printable(log.redacted(str(error)), keep='')}",
        err=True,
    )
    click.echo(
        f"Try: look at {printable(_log_name(), keep='')}, and report the error with what it says.",
        err=True,
    )
    return ExitCode.FAILED


def _disk_error(error: OSError) -> AkoshaHookError:
    where = f"{error.filename} " if error.filename else "A file of akosha-hook's "
    return AkoshaHookError(
        f"{where}could not be written: {error.strerror}.",
        hint="Free some space and try again; events that wait are kept.",
        kind=Kind.FULL,
    )


def _log_name() -> str:
    try:
        return str(Paths.from_environment(os.environ).log)
    except AkoshaHookError:
        return log.LOGGER
