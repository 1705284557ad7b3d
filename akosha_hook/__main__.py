"""`python -m akosha_hook` is the `akosha-hook` command."""

from akosha_hook.cli import main

main()
