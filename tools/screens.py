"""Pictures of screens for the README: real runs on an 80-column terminal, drawn by rich.

`make screens` writes `docs/screens/*.svg`. Everything happens in a temporary home, with the S3 server
of the `demo` extra on loopback.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import urllib3
from minio import Minio
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from akosha_hook.demo.databases import add_conversations, make_databases
from akosha_hook.demo.s3_server import S3Server, s3_server

COLUMNS = 80
BUCKET = "session-buddy-memories"
PORT = 9000
SCREENS = Path(__file__).parents[1] / "docs" / "screens"
# Rich's own picture fetches its font from the network.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


@dataclass(frozen=True)
class Stage:
    """A home as a user has it after `pipx install`, with a repository in it."""

    home: Path

    @property
    def program(self) -> Path:
        return self.home / ".local/bin/akosha-hook"

    @property
    def repository(self) -> Path:
        return self.home / "project"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": f"{self.program.parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
        }

    def run(self, *command: str) -> None:
        subprocess.run(
            command, cwd=self.repository, env=self.environ, check=True, capture_output=True
        )

    def draw(self, name: str, *arguments: str) -> None:
        """Run `akosha-hook ARGUMENTS` on a terminal and keep what it shows as a picture."""
        shown = self._on_a_terminal(arguments)
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        console.print(Text.assemble(("$ ", "green"), f"akosha-hook {' '.join(arguments)}"))
        console.print(Text.from_ansi(shown.rstrip()))
        title = f"akosha-hook {arguments[0]}"
        console.save_svg(str(SCREENS / f"{name}.svg"), title=title, code_format=FORMAT)

    def _on_a_terminal(self, arguments: tuple[str, ...]) -> str:
        """Its stdout; stderr is not a terminal, so that no progress bar is drawn."""
        controller, terminal = pty.openpty()
        process = subprocess.Popen(
            [self.program, *arguments],
            cwd=self.repository,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.STDOUT if arguments[0] != "sync" else subprocess.DEVNULL,
        )
        os.close(terminal)
        written = bytearray()
        while True:
            try:
                piece = os.read(controller, 65_536)
            except OSError:  # EIO: the other end is closed
                break
            if not piece:
                break
            written += piece
        process.wait()
        os.close(controller)
        return written.decode().replace("\r\n", "\n").replace(str(self.home), "~")


def prepare(stage: Stage, server: S3Server) -> None:
    """Set up what a user has before the first upload."""
    venv = stage.home / ".local/share/pipx/venvs/akosha-hook"
    venv.parent.mkdir(parents=True)
    venv.symlink_to(Path(sys.prefix))
    stage.program.parent.mkdir(parents=True)
    stage.program.write_text(f'#!/bin/sh\nexec "{venv}/bin/python" -P -m akosha_hook "$@"\n')
    stage.program.chmod(0o755)
    make_databases(stage.home / ".claude/data", conversations=4000)
    settings = stage.home / ".claude/settings/session-buddy.yaml"
    settings.parent.mkdir()
    settings.write_text(
        f'akosha_cloud_bucket: "{BUCKET}"\nakosha_cloud_endpoint: "{server.endpoint}"\n'
        'akosha_system_id: "demo-laptop"\n'
    )
    credentials = stage.home / ".aws/credentials"
    credentials.parent.mkdir()
    credentials.touch(mode=0o600)
    credentials.write_text(
        f"[default]\naws_access_key_id = {server.access_key}\n"
        f"aws_secret_access_key = {server.secret_key}\n"
    )
    stage.repository.mkdir()
    stage.run("git", "init", "--quiet")
    host = server.endpoint.removeprefix("http://")
    pool = urllib3.PoolManager(timeout=30)
    Minio(
        host,
        server.access_key,
        server.secret_key,
        secure=False,
        region="us-east-1",
        http_client=pool,
    ).make_bucket(BUCKET)


def more(stage: Stage, start: int) -> None:
    import duckdb

    with duckdb.connect(str(stage.home / ".claude/data/reflection.duckdb")) as connection:
        add_conversations(connection, 10, start=start)


def main() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        stage = Stage(Path(directory).resolve() / "home")
        stage.home.mkdir()
        with s3_server(stage.home / "server", port=PORT) as server:
            prepare(stage, server)
            stage.draw("install", "install")
            stage.run(str(stage.program), "install", "--git")
            stage.draw("sync", "sync")
            for number in range(3):
                more(stage, 4000 + 10 * number)
                stage.run(str(stage.program), "sync")
            stage.run(str(stage.program), "verify")
            for name in ("status", "doctor", "history", "ls"):
                stage.draw(name, name)
        more(stage, 5000)
        subprocess.run([stage.program, "sync"], env=stage.environ, capture_output=True, check=False)
        (stage.repository / ".git/hooks/post-commit").write_text("#!/bin/sh\n")
        stage.draw("status-trouble", "status")


if __name__ == "__main__":
    main()
