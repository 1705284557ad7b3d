"""`akosha-hook doctor`."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook.cli import screen
from akosha_hook.cli.opening import open_context
from akosha_hook.cli.screen import Line, Tone
from akosha_hook.doctor import Finding, examine
from akosha_hook.doctor.state import modes
from akosha_hook.errors import ExitCode
from akosha_hook.paths import Paths
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print every finding as JSON.")
def doctor(as_json: bool) -> int:
    """Look closer, and say what to type: hooks, files, databases, bucket, Akosha, security.

    Asks the servers, and probes each permission with an object below systems/<system_id>/probe/.
    Exits with 0 when there is no problem; warnings are none.
    """
    # Before the log is opened, which tightens the directory without a word.
    tightened = files.tighten(Paths.from_environment(os.environ).state)
    context = open_context(strict=False)
    findings = itertools.chain(modes(tightened), examine(context, Path.cwd()))
    if as_json:
        found = list(findings)
        screen.print_json(document(found))
        return exit_code(found)
    found = []
    for each in findings:
        label = each.area if not found or each.area != found[-1].area else ""
        screen.show([(label, _lines(each))], words=True)
        found.append(each)
    screen.show([("", [_summary(found)])])
    return exit_code(found)


def _lines(finding: Finding) -> Iterator[Line]:
    yield Line(f"{finding.name}: {finding.detail}", Tone[finding.state.upper()])
    for number, each in enumerate(finding.fix.splitlines()):
        yield Line(each if number else f"Try: {each}", Tone.HINT)


def _summary(found: list[Finding]) -> Line:
    count = Counter(each.state for each in found)
    said = [
        f"{count[state]} {state}{'s' if count[state] > 1 else ''}"
        for state in ("problem", "warning")
        if count[state]
    ]
    if not said:
        return Line("All is well.", Tone.OK)
    tone = Tone.PROBLEM if count["problem"] else Tone.WARNING
    return Line(f"{' and '.join(said)}, {count['ok']} things are well.", tone)


def exit_code(found: Iterable[Finding]) -> ExitCode:
    """The first problem's; warnings are no failure."""
    problems = (each.exit_code for each in found if each.state == "problem")
    return next(problems, ExitCode.OK)


def document(found: list[Finding]) -> dict[str, object]:
    """`doctor --json` (docs/json-output.md)."""
    return {
        "ok": not any(each.state == "problem" for each in found),
        "findings": [
            {
                "area": each.area,
                "name": each.name,
                "state": each.state,
                "detail": each.detail,
                "fix": each.fix,
            }
            for each in found
        ],
    }
