from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from akosha_hook.cli import COMMANDS, cli

README = Path(__file__).parents[2] / "README.md"


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def everything() -> list[tuple[str, click.Command]]:
    """Every command, those of groups included."""
    found = []
    for name in COMMANDS:
        made = command(name)
        found.append((name, made))
        if isinstance(made, click.Group):
            found += [(f"{name} {each}", made.commands[each]) for each in made.commands]
    return found


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_readme_names_every_command(name: str) -> None:
    section = README.read_text().partition("## Commands")[2].partition("\n## ")[0]
    assert re.search(rf"`(akosha-hook )?{name}\b", section)


@pytest.mark.parametrize(("name", "made"), everything())
def test_every_command_and_option_says_what_it_does(name: str, made: click.Command) -> None:
    assert made.help
    for parameter in made.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.parametrize("name", ["", *sorted(COMMANDS)])
def test_help_fits_eighty_columns(name: str) -> None:
    said = CliRunner().invoke(cli, [*name.split(), "--help"], terminal_width=80).output
    assert max(len(line) for line in said.splitlines()) <= 80
