from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import akosha_hook.cli
from akosha_hook.cli import COMMANDS, cli

README = Path(__file__).parents[2] / "README.md"


def command(name: str) -> click.Command:
    loaded = cli.get_command(click.Context(cli), name)
    assert loaded is not None
    return loaded


def everything() -> list[tuple[str, click.Command]]:
    """Every command, those of groups included."""
    commands = []
    for name in COMMANDS:
        group = command(name)
        commands.append((name, group))
        if isinstance(group, click.Group):
            commands += [(f"{name} {each}", group.commands[each]) for each in group.commands]
    return commands


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_readme_names_every_command(name: str) -> None:
    section = README.read_text().partition("## Commands")[2].partition("\n## ")[0]
    assert re.search(rf"`(akosha-hook )?{name}\b", section)


@pytest.mark.parametrize(("name", "command"), everything())
def test_every_command_and_option_says_what_it_does(name: str, command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.parametrize("name", ["", *(name for name, _ in everything())])
def test_help_fits_eighty_columns(name: str) -> None:
    result = CliRunner().invoke(cli, [*name.split(), "--help"], terminal_width=80)
    assert result.exit_code == 0
    assert max(len(line) for line in result.output.splitlines()) <= 80


def test_every_command_module_is_listed_and_every_listed_command_has_a_module() -> None:
    folder = Path(akosha_hook.cli.__file__).parent
    decorated = {
        path.stem.replace("_", "-")
        for path in folder.glob("*.py")
        if re.search(r"^@click\.(command|group)\(", path.read_text(), re.MULTILINE)
    }
    assert decorated - {"--init--"} == set(COMMANDS)


@pytest.mark.parametrize(("name", "command"), everything())
def test_a_short_help_is_one_sentence(name: str, command: click.Command) -> None:
    short = COMMANDS.get(name, command.get_short_help_str(limit=200))
    assert short.endswith(".")
    assert len(short) <= 80 - len("  check-settings  ")
