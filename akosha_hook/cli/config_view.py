"""How `akosha-hook config` prints settings, their origins, and what is wrong with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from akosha_hook.settings import Layer
from akosha_hook.settings.reference import literal
from akosha_hook.settings.table import DATABASE_PATH
from akosha_hook.util.text import as_json, printable, with_tilde

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.settings import Loaded, Origin
    from akosha_hook.settings.validation import FileReport


def print_document(loaded: Loaded) -> None:
    import msgspec

    document = {
        "settings": loaded.settings,
        "origins": {name: _origin(each) for name, each in loaded.origins.items()},
        "outside_databases": [
            {"path": str(each.path), "origin": _origin(each.origin)} for each in loaded.outside
        ],
        "problems": loaded.problems,
        "warnings": loaded.warnings,
        "notes": loaded.notes,
    }
    # Nothing in it acts on a terminal, and odd file names survive.
    click.echo(as_json(msgspec.to_builtins(document)))


def _origin(origin: Origin) -> dict[str, str | int | None]:
    return {
        "layer": origin.layer,
        "file": str(origin.file) if origin.file else None,
        "line": origin.line,
        "name": origin.name,
    }


def print_lines(loaded: Loaded, *, origin: bool) -> None:
    """TOML, so that a saved copy is a settings file."""
    for name, where in loaded.origins.items():
        line = f"{name} = {literal(getattr(loaded.settings, name))}"
        click.echo(printable(f"{line}  # {where}" if origin else line))
    for each in loaded.outside:
        # Session-Buddy's own setting: no setting of this file.
        line = f"# {DATABASE_PATH} = {literal(str(each.path))}"
        click.echo(printable(f"{line}  # {each.origin}" if origin else line))


def print_table(loaded: Loaded, *, origin: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    home = os.environ.get("HOME", "")
    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for name, where in loaded.origins.items():
        value = getattr(loaded.settings, name)
        text = ", ".join(value) if isinstance(value, tuple) else str(literal(value)).strip('"')
        default = where.layer is Layer.DEFAULT
        rows.add_row(Text(name), Text(printable(text), "dim" if default else "bold"))
        if origin and not default:
            rows.add_row("", Text(printable(f"from {with_tilde(str(where), home)}"), "dim"))
    for each in loaded.outside:
        rows.add_row(Text(DATABASE_PATH), Text(printable(str(each.path)), "bold"))
        if origin:
            rows.add_row("", Text(printable(f"from {with_tilde(str(each.origin), home)}"), "dim"))
    Console(highlight=False).print(rows)


def print_messages(report: Loaded | FileReport) -> None:
    """Print problems, warnings and notes on stderr, so that a pipe gets only the values."""
    _print_each("Error", report.problems)
    _print_each("Warning", report.warnings)
    _print_each("Note", report.notes)


def _print_each(word: str, messages: Iterable[str]) -> None:
    for message in messages:
        click.echo(f"{word}: {printable(message)}", err=True)
