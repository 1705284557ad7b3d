"""Refuse to publish a package whose tag, version, changelog and repository do not fit one another.

The release workflow runs it on what `make dist` built.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", required=True, help="the tag that is released, vX.Y.Z")
    parser.add_argument("--repository", required=True, help="the web address of the repository")
    parser.add_argument("dist", type=Path, help="the directory with the wheel")
    arguments = parser.parse_args()
    problems = list(check(arguments.dist, arguments.tag, arguments.repository))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def check(dist: Path, tag: str, repository: str) -> list[str]:
    """What is wrong, one sentence each."""
    [wheel] = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [name] = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    version = metadata["Version"]
    problems = []
    if tag != f"v{version}":
        problems.append(f"The tag is {tag}, but akosha_hook/version.py says {version}.")
    if f"Source, {repository}" not in (metadata.get_all("Project-URL") or []):
        problems.append(f'pyproject.toml needs the line: repository = "{repository}"')
    if f"\n## {version} - " not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        problems.append(f"CHANGELOG.md has no {version}: make changelog VERSION={version}")
    left = [each.name for each in (ROOT / "changelog").glob("*.*.md")]
    if left:
        problems.append(f"Not yet collected: {', '.join(sorted(left))}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
