"""`owner()` asked in another process: POSIX locks are never in one's own way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from pathlib import Path
from akosha_hook.snapshot.owner import owner
print(owner(Path(sys.argv[1])) or "")
"""


def owner_as_seen_from_outside(database: Path) -> int | None:
    result = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(database)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return int(result.stdout) if result.stdout.strip() else None
