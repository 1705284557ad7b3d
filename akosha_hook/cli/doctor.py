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
    """Check everything closely, and say how to fix what is wrong.

    Looks at settings, hooks, files, databases, the bucket, Akosha and security. Contacts the
    servers, and tests each permission with an object under systems/<system_id>/probe/. Exits with
    0 if there is no problem; warnings do not count.
    """
    # Before the log is opened, which tightens the directory without saying so.
    tightened = files.tighten(Paths.from_environment(os.environ).state)
    context = open_context(strict=False)
    findings = itertools.chain(modes(tightened), examine(context, Path.cwd()))
    shown: list[Finding] = []
    for each in findings:
        if not as_json:
            label = each.area if not shown or each.area != shown[-1].area else ""
            screen.show([(label, _lines(each))], words=True)
        shown.append(each)
    if as_json:
        screen.print_json(document(shown))
    else:
        screen.show([("", [_summary(shown)])])
    return exit_code(shown)


def _lines(finding: Finding) -> Iterator[Line]:
    yield Line(f"{finding.name}: {finding.detail}", Tone[finding.state.upper()])
    for number, each in enumerate(finding.fix.splitlines()):
        yield Line(each if number else f"Try: {each}", Tone.HINT)


def _summary(findings: list[Finding]) -> Line:
    count = Counter(each.state for each in findings)
    passed = f"{screen.counted(count['ok'], 'check')} passed"
    failed = [
        screen.counted(count[state], state) for state in ("problem", "warning") if count[state]
    ]
    if not failed:
        return Line(f"{passed}.", Tone.OK)
    tone = Tone.PROBLEM if count["problem"] else Tone.WARNING
    return Line(f"{' and '.join(failed)}; {passed}.", tone)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """That of the first problem; warnings are not a failure."""
    problems = (each.exit_code for each in findings if each.state == "problem")
    return next(problems, ExitCode.OK)


def document(findings: list[Finding]) -> dict[str, object]:
    """`doctor --json` (docs/json-output.md)."""
    return {
        "ok": not any(each.state == "problem" for each in findings),
        "findings": [
            {
                "area": each.area,
                "name": each.name,
                "state": each.state,
                "detail": each.detail,
                "fix": each.fix,
            }
            for each in findings
        ],
    }
