"""`python -m bench [NAME...] [--rounds N] [--large] [--json]`: run the benches, print ratios."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path

from bench import report

# Each module has run(work: Path, *, rounds: int) -> Table; those in LARGE take large: bool too.
BENCHES = {
    "hook_latency": "what a hook adds to git commit",
    "upload": "a whole upload, against what a user would run instead",
    "upload_slow": "the same over 50 Mbit/s",
    "change": "what is sent when little or nothing changed",
    "growth": "time and memory per byte as the database grows",
}
ROUNDS = {"hook_latency": 150, "upload": 5, "upload_slow": 3, "change": 3, "growth": 3}
LARGE = {"upload", "change", "growth"}


def main() -> int:
    """Exit 1 where a budget does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--rounds", type=int, help="repetitions, interleaved")
    parser.add_argument("--large", action="store_true", help="also with databases of 1 GB")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"no bench named {', '.join(sorted(unknown))}")
    tables: dict[str, report.Table] = {}
    for name in options.names or BENCHES:
        print(f"{name}: {BENCHES[name]} ...", file=sys.stderr)
        extra = {"large": options.large} if name in LARGE else {}
        with tempfile.TemporaryDirectory(prefix="akosha-bench-") as work:
            tables[name] = importlib.import_module(f"bench.{name}").run(
                Path(work).resolve(), rounds=options.rounds or ROUNDS[name], **extra
            )
        if not options.json:
            print(report.text(tables[name]) + "\n")
    if options.json:
        print(json.dumps(report.document(tables), indent=2))
    return 0 if all(b.holds for table in tables.values() for b in table.budgets) else 1


if __name__ == "__main__":
    sys.exit(main())
