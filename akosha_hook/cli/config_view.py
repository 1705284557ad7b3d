"""How `akosha-hook config` prints settings, their origins, and what is wrong with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from akosha_hook.settings import Layer
from akosha_hook.settings.reference import literal
from akosha_hook.util.text import as_json, printable, with_tilde

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.settings import Loaded
    from akosha_hook.settings.validation import FileReport


def print_document(loaded: Loaded) -> None:
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
    # Nothing in it acts on a terminal, and odd file names survive.
    click.echo(as_json(msgspec.to_builtins(document)))


def print_lines(loaded: Loaded, *, origin: bool) -> None:
    """TOML, so that a saved copy is a settings file."""
    for name, where in loaded.origins.items():
        line = f"{name} = {literal(getattr(loaded.settings, name))}"
        click.echo(printable(f"{line}  # {where}" if origin else line))


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
    Console(highlight=False).print(rows)


def print_messages(report: Loaded | FileReport) -> None:
    """Print problems, warnings and notes on stderr, so that a pipe gets only the values."""
    _print_each("Error", report.problems)
    _print_each("Warning", report.warnings)
    _print_each("Note", report.notes)


def _print_each(word: str, messages: Iterable[str]) -> None:
    for message in messages:
        click.echo(f"{word}: {printable(message)}", err=True)
