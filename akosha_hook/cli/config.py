"""`akosha-hook config`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook import settings
from akosha_hook.cli.config_view import (
    print_document,
    print_lines,
    print_messages,
    print_table,
)
from akosha_hook.cli.confirm import confirm_setting
from akosha_hook.cli.opening import open_context
from akosha_hook.errors import AkoshaHookError, ExitCode, SettingsError
from akosha_hook.paths import Paths, shipped
from akosha_hook.settings import Layer, spellings, wording
from akosha_hook.settings.reference import (
    NESTED_TEMPLATE,
    TOML_TEMPLATE,
    YAML_TEMPLATE,
    literal,
)
from akosha_hook.settings.table import DATA_DIR, session_buddys, table
from akosha_hook.state import pinning
from akosha_hook.util.text import one_line, printable, with_tilde

if TYPE_CHECKING:
    from akosha_hook.settings import Loaded
    from akosha_hook.settings.table import Field
    from akosha_hook.settings.validation import FileReport


def _names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in table() if name.startswith(incomplete)]


@click.group()
def config() -> None:
    """Show, check and change settings."""


@config.command()
@click.option("--origin", is_flag=True, help="Show where each value comes from.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document, origins included.")
def show(origin: bool, as_json: bool) -> None:
    """Show every setting in use."""
    loaded = open_context(strict=False).loaded
    if as_json:
        print_document(loaded)
        return
    if sys.stdout.isatty():
        print_table(loaded, origin=origin)
    else:
        print_lines(loaded, origin=origin)
    print_messages(loaded)


@config.command()
@click.argument("name", shell_complete=_names)
def get(name: str) -> None:
    """Print the value of one setting.

    Text is printed without quotes, and lists with one item per line.
    """
    row = _row(name)
    loaded = open_context(strict=False).loaded
    value = getattr(loaded.settings, row.name)
    for each in value if isinstance(value, tuple) else (value,):
        click.echo(printable(each if isinstance(each, str) else literal(each)))
    print_messages(loaded)


@config.command(name="set")
@click.argument("name", shell_complete=_names)
@click.argument("value")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file to change instead of your own settings.",
)
def set_(name: str, value: str, path: Path | None) -> None:
    """Write one setting to your TOML file.

    Comments in the file are kept. VALUE is written as in the environment: 1, yes or on for a
    switch, and commas between the items of a list.
    """
    from akosha_hook.settings import edit

    row = _row(name)
    if name.lower() == "cloud_sync.force_method":
        value = str(spellings.method(value))
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
    where = with_tilde(one_line(str(target), 1024), _home())
    click.echo(printable(f"Set {row.name} = {literal(typed)} in {where}"))
    if path is None:
        context = open_context(strict=False)
        origin = context.loaded.origins[row.name]
        if (
            origin.layer in {Layer.COMMAND_LINE, Layer.ENVIRONMENT}
            and spellings.flat(origin.key) == row.name
        ):
            click.echo(
                f"Note: {printable(str(origin))} sets it too, and takes precedence.", err=True
            )
        elif row.name in pinning.SETTINGS:
            confirm_setting(context, row.name)


def _home() -> str:
    return os.environ.get("HOME", "")


def _row(name: str) -> Field:
    """The setting that `name` spells, flat or nested."""
    key = spellings.flat(name.lower())
    row = table().get(key)
    if row is not None:
        return row
    if key in session_buddys():
        raise click.UsageError(
            f"{one_line(name)} is a setting of Session-Buddy's own, and is read from its files"
            + ("; akosha_data_dir takes precedence over it" if key == DATA_DIR else "")
        )
    if wording.is_credential_name(name):
        raise SettingsError(
            f"{one_line(name)} looks like a credential; {wording.CREDENTIALS_BELONG}"
        )
    similar = spellings.meant(name) if spellings.is_nested(name) else None
    similar = similar or wording.similar(name, table())
    suggestion = f"; did you mean {similar}?" if similar else ""
    raise click.UsageError(f"{one_line(name)} is not a setting{suggestion}")


@config.command()
@click.option(
    "--config",
    "newer",
    is_flag=True,
    help="Write config.yaml of Session-Buddy 0.32 and later instead, in ~/.config/session-buddy.",
)
@click.option(
    "--yaml",
    "base",
    is_flag=True,
    help="Write session-buddy.yaml instead, where Session-Buddy's guide has it.",
)
@click.option(
    "--local",
    is_flag=True,
    help="Write local.yaml instead, beside session-buddy.yaml, or with --config beside config.yaml.",
)
def init(newer: bool, base: bool, local: bool) -> None:
    """Write a commented template with every setting.

    It becomes your TOML file if no option names another. An existing file is never changed.
    """
    if base and (local or newer):
        raise click.UsageError("--yaml and the other options name different files: choose one.")
    paths = Paths.from_environment(os.environ)
    target = paths.settings_yaml if base else paths.local_yaml if local else paths.user_toml
    template = shipped(YAML_TEMPLATE if base or local else TOML_TEMPLATE)
    if newer and paths.session_buddy is not None:
        target = paths.session_buddy / ("local.yaml" if local else "config.yaml")
        template = shipped(NESTED_TEMPLATE)
    name = one_line(str(target), 1024)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise AkoshaHookError(
            f"{name} already exists; nothing was written.",
            hint="akosha-hook config set NAME VALUE, or edit it",
        ) from error
    except OSError as error:
        raise AkoshaHookError(f"{name} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(template.read_bytes())
    click.echo(
        printable(
            f"Wrote {with_tilde(name, os.environ.get('HOME', ''))}: every setting, commented out."
        )
    )


@config.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> int:
    """Check all layers of settings together, or each of FILES.

    Exits with 3 if a value cannot be used.
    """
    from akosha_hook.settings.validation import validate_file

    home = Path.home()
    reports: list[Loaded | FileReport] = [validate_file(each, home=home) for each in files]
    if not files:
        reports.append(open_context(strict=False).loaded)
    for report in reports:
        print_messages(report)
    problems = sum(len(report.problems) for report in reports)
    if problems:
        return ExitCode.SETTINGS
    click.echo("The settings can be used.")
    return ExitCode.OK
