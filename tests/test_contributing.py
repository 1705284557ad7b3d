"""What contributors are told to type, and what they are to follow. Paths: see test_docs.py."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
GUIDES = ("CONTRIBUTING.md", "SECURITY.md", "changelog/README.md")


def text_of(guide: str) -> str:
    return (ROOT / guide).read_text(encoding="utf-8")


def spans(guide: str) -> list[str]:
    """What is set as code: in a line, or in a block."""
    text = text_of(guide)
    blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```", text)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", text))
    return [*inline, *blocks]


@pytest.mark.parametrize("guide", [*GUIDES, "README.md", "docs/promises.md", "docs/performance.md"])
def test_every_make_target_that_a_page_names_is_there(guide: str) -> None:
    commands = [line.strip() for span in spans(guide) for line in span.splitlines()]
    named = {match[1] for each in commands if (match := re.match(r"make ([a-z]+)\b", each))}
    for target in sorted(named):
        done = subprocess.run(
            ["make", "--dry-run", "--directory", ROOT, target, "VERSION=1.0.0"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_help_names_every_target() -> None:
    makefile = text_of("Makefile")
    targets = set(re.findall(r"(?m)^\.PHONY: (.+)$", makefile)[0].split()) - {"help"}
    assert set(re.findall(r'echo "make (\w+)', makefile)) == targets


def test_our_own_configuration_runs_the_checks_that_we_ship() -> None:
    """On the same files, from the checkout."""
    [local] = yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"]
    ours = {hook["id"]: hook for hook in local["hooks"]}
    shipped = {hook["id"]: hook for hook in yaml.safe_load(text_of(".pre-commit-hooks.yaml"))}
    checks = [name for name in shipped if name.startswith("akosha-check-")]
    assert checks
    for name in checks:
        assert ours[name]["files"] == shipped[name]["files"]
        assert ours[name]["entry"] == f".venv/bin/{shipped[name]['entry']}"


def test_every_fragment_says_something_and_has_a_kind() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        kinds = {each["directory"] for each in tomllib.load(file)["tool"]["towncrier"]["type"]}
    for path in (ROOT / "changelog").iterdir():
        if path.name not in {"README.md", "TEMPLATE.md"}:
            assert path.suffixes[-2:] in [[f".{kind}", ".md"] for kind in kinds], path.name
            assert path.read_text(encoding="utf-8").strip()
