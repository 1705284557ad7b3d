"""The `akosha-hook` command, and `python -m akosha_hook`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or the hook without loading it: git waits for the hook."""
    is_hook = sys.argv[1:2] == ["run"] and sys.argv[2:] not in (["--help"], ["-h"])
    try:
        if is_hook:
            from akosha_hook.hook.entry import main as run

            run(sys.argv[2:])
        else:
            import os

            from akosha_hook.cli import main as command_line
            from akosha_hook.settings.project import forget_code_variables

            # A project may have set them for all that is started in it: GIT_PYTHON_GIT_EXECUTABLE
            # would be run by `install`.
            forget_code_variables(os.environ)
            command_line()
    except KeyboardInterrupt:
        # Ctrl-C while modules are loaded; once a command runs, it handles Ctrl-C itself.
        if not is_hook:
            print("Interrupted.", file=sys.stderr)
            sys.exit(130)


if __name__ == "__main__":
    main()
