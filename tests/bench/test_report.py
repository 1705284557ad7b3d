from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.report import Budget, Table, document, program, text, version

TABLE = Table(
    title="Seconds",
    columns=("who", "s"),
    rows=[("ours", 1.5), ("a peer", 12.25)],
    budgets=[Budget("ours, against a peer", 0.12, 0.5), Budget("ours, against nothing", 2, 1)],
    versions={"a peer": "1.2.3", "another": None},
)


def test_a_table_says_what_holds_and_what_was_not_there() -> None:
    assert text(TABLE).splitlines() == [
        "Seconds",
        "",
        "  who         s",
        "  ours     1.50",
        "  a peer  12.25",
        "",
        "  ours, against a peer: 0.12 (allowed 0.5) holds",
        "  ours, against nothing: 2 (allowed 1) DOES NOT HOLD",
        "  with a peer 1.2.3",
        "  not installed, skipped: another",
    ]


def test_the_json_document_says_the_same() -> None:
    benches = json.loads(json.dumps(document({"seconds": TABLE})))["benches"]
    assert [budget["holds"] for budget in benches["seconds"]["budgets"]] == [True, False]
    assert benches["seconds"]["versions"] == {"a peer": "1.2.3", "another": None}


def test_a_peer_that_is_not_installed_has_no_version() -> None:
    assert program("no-such-program") is None
    assert version("no-such-program", "--version") is None
    assert version("git", "--version") is not None


def test_a_bench_that_does_not_exist_is_refused_by_name() -> None:
    command = [sys.executable, "-m", "bench", "nonsense"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root)
    assert done.returncode == 2
    assert "no bench named nonsense" in done.stderr
