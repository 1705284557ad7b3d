"""`akosha-hook config`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook import settings
from akosha_hook.cli.opening import open_context
from akosha_hook.errors import AkoshaHookError, ExitCode, SettingsError
from akosha_hook.paths import Paths, shipped
from akosha_hook.settings import Layer, wording
from akosha_hook.settings.reference import TOML_TEMPLATE, YAML_TEMPLATE, literal
from akosha_hook.settings.table import table
from akosha_hook.util.text import one_line, printable, with_tilde

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.settings import Loaded
    from akosha_hook.settings.table import Field
    from akosha_hook.settings.validation import FileReport


def _names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in table() if name.startswith(incomplete)]


@click.group()
def config() -> None:
    """Show, check and change settings."""


@config.command()
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document, origins included.")
def show(origin: bool, as_json: bool) -> None:
    """Show every setting in use."""
    loaded = open_context(strict=False).loaded
    if as_json:
        _print_json(loaded)
        return
    if sys.stdout.isatty():
        _print_table(loaded, origin=origin)
    else:
        _print_lines(loaded, origin=origin)
    _complain(loaded)


def _print_json(loaded: Loaded) -> None:
    import msgspec

    origins = {
        name: {
            "layer": each.layer,
            "file": str(each.file) if each.file else None,
            "line": each.line,
            "name": each.name,
        }
        for name, each in loaded.origins.items()
    }
    document = {
        "settings": loaded.settings,
        "origins": origins,
        "problems": loaded.problems,
        "warnings": loaded.warnings,
        "notes": loaded.notes,
    }
    # Escaped to ASCII: nothing in it acts on a terminal, and odd file names survive.
    click.echo(json.dumps(msgspec.to_builtins(document), indent=2))


def _print_lines(loaded: Loaded, *, origin: bool) -> None:
    """TOML, so that a saved copy is a settings file."""
    for name, where in loaded.origins.items():
        line = f"{name} = {literal(getattr(loaded.settings, name))}"
        click.echo(printable(f"{line}  # {where}" if origin else line))


def _print_table(loaded: Loaded, *, origin: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for name, where in loaded.origins.items():
        value = getattr(loaded.settings, name)
        text = ", ".join(value) if isinstance(value, tuple) else str(literal(value)).strip('"')
        default = where.layer is Layer.DEFAULT
        rows.add_row(Text(name), Text(printable(text), "dim" if default else "bold"))
        if origin and not default:
            rows.add_row("", Text(f"from {_short(str(where))}", "dim"))
    Console(highlight=False).print(rows)


def _short(place: str) -> str:
    return with_tilde(place, os.environ.get("HOME", ""))


@config.command()
@click.argument("name", shell_complete=_names)
def get(name: str) -> None:
    """Print the value of one setting.

    Texts are bare, and lists have one item per line.
    """
    row = _row(name)
    loaded = open_context(strict=False).loaded
    value = getattr(loaded.settings, row.name)
    for each in value if isinstance(value, tuple) else (value,):
        click.echo(printable(each if isinstance(each, str) else literal(each)))
    _complain(loaded)


@config.command(name="set")
@click.argument("name", shell_complete=_names)
@click.argument("value")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file other than your own settings.",
)
def set_(name: str, value: str, path: Path | None) -> None:
    """Write one setting into your TOML file.

    Comments in it survive. Values are written as in the environment: 1/yes/on, lists by comma.
    """
    from akosha_hook.settings import edit

    row = _row(name)
    context = open_context(strict=False)
    try:
        typed = settings.check_value(row.name, value, context.environ, context.paths)
    except SettingsError as error:
        raise SettingsError(f"{error.message}; nothing was written.") from error
    target = path or context.paths.user_toml
    if target.suffix != ".toml":
        raise SettingsError(
            f"{one_line(str(target))} is not a .toml file.",
            hint="leave --file out, or edit the YAML by hand",
        )
    edit.set_key(target, row.name, list(typed) if isinstance(typed, tuple) else typed)
    where = _short(one_line(str(target), 1024))
    click.echo(printable(f"Set {row.name} = {literal(typed)} in {where}"))
    if path is None:
        _say_if_overridden(row)


def _say_if_overridden(row: Field) -> None:
    where = open_context(strict=False).loaded.origins[row.name]
    if where.layer is not Layer.USER:
        click.echo(f"Note: {where} sets it too, and wins.", err=True)


def _row(name: str) -> Field:
    row = table().get(name.lower())
    if row is not None:
        return row
    if wording.is_credential_name(name):
        raise SettingsError(
            f"{one_line(name)} looks like a credential; {wording.CREDENTIALS_BELONG}"
        )
    meant = wording.similar(name, table())
    suggestion = f"; did you mean {meant}?" if meant else ""
    raise click.UsageError(f"{one_line(name)} is not a setting{suggestion}")


@config.command()
@click.option("--yaml", "base", is_flag=True, help="Write Session-Buddy's session-buddy.yaml.")
@click.option("--local", is_flag=True, help="Write local.yaml, which overrides that.")
def init(base: bool, local: bool) -> None:
    """Write a commented template of every setting.

    An existing file is never touched.
    """
    if base and local:
        raise click.UsageError("--yaml and --local are two files: choose one.")
    paths = Paths.from_environment(os.environ)
    target = paths.settings_yaml if base else paths.local_yaml if local else paths.user_toml
    template = shipped(YAML_TEMPLATE if base or local else TOML_TEMPLATE)
    name = one_line(str(target), 1024)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise AkoshaHookError(
            f"{name} exists; nothing was written.",
            hint="akosha-hook config set NAME VALUE, or edit it",
        ) from error
    except OSError as error:
        raise AkoshaHookError(f"{name} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(template.read_bytes())
    click.echo(f"Wrote {_short(name)}: every setting, commented out.")


@config.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> int:
    """Check all layers together, or each FILE.

    Exits with 3 if something cannot be used.
    """
    from akosha_hook.settings.validation import validate_file

    home = Path.home()
    reports: list[Loaded | FileReport] = [validate_file(each, home=home) for each in files]
    if not files:
        reports.append(open_context(strict=False).loaded)
    for report in reports:
        _complain(report)
    problems = sum(len(report.problems) for report in reports)
    if problems:
        return ExitCode.SETTINGS
    click.echo("The settings can be used.")
    return ExitCode.OK


def _complain(report: Loaded | FileReport) -> None:
    """Everything noteworthy, on stderr, so that a pipe gets the values only."""
    _say("Error", report.problems)
    _say("Warning", report.warnings)
    _say("Note", report.notes)


def _say(word: str, messages: Iterable[str]) -> None:
    for message in messages:
        click.echo(f"{word}: {message}", err=True)
