"""Running the command on a real pseudo-terminal, and reading what it drew."""

from __future__ import annotations

import os
import pty
import subprocess
import sys


def run_on_a_terminal(arguments: list[str], environ: dict[str, str], *, typed: str = "") -> str:
    """Everything the command wrote to an 80 by 24 terminal, escape sequences included.

    `typed` is what somebody has typed ahead.
    """
    controller, terminal = pty.openpty()
    os.write(controller, typed.encode())
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "akosha_hook", *arguments],
        env={**environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    written = bytearray()
    try:
        while True:
            try:
                piece = os.read(controller, 65_536)
            except OSError:  # EIO: the other end is closed
                break
            if not piece:
                break
            written += piece
    finally:
        os.close(controller)
        process.wait()
    return written.decode(errors="replace")
