"""The `akosha-hook` command, and `python -m akosha_hook`."""

from __future__ import annotations

import sys


def main() -> None:
    """Hand over to the command line, or to the hook, which git waits for, without loading it."""
    if sys.argv[1:2] == ["run"] and sys.argv[2:] not in (["--help"], ["-h"]):
        from akosha_hook.hook import main as run

        run(sys.argv[2:])
    else:
        from akosha_hook.cli import main as command_line

        command_line()


if __name__ == "__main__":
    main()
