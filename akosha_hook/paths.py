"""Every path akosha-hook touches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError

if TYPE_CHECKING:
    from collections.abc import Mapping

# How directories begin, in the state directory, into which `doctor` copies databases.
DOCTOR_SCRATCH = ".doctor-"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things are, derived from Claude Code's configuration directory and the user's own.

    `session_buddy` is where Session-Buddy 0.32 and later has its settings; None: nowhere.
    """

    claude: Path
    user_toml: Path
    session_buddy: Path | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Paths:
        """Follow `CLAUDE_CONFIG_DIR`, else `~/.claude`."""
        try:
            home = Path(environ.get("HOME") or Path.home())
        except RuntimeError as error:
            raise AkoshaHookError(
                "There is no home directory to work in.", hint="Set HOME, or CLAUDE_CONFIG_DIR."
            ) from error
        configured = environ.get("CLAUDE_CONFIG_DIR")
        claude = Path(configured).expanduser() if configured else home / ".claude"
        return cls(
            claude=Path(os.path.abspath(claude)),  # noqa: PTH100 - a symlink stays a symlink
            user_toml=_own_configuration(home) / "config.toml",
            # On macOS, too.
            session_buddy=_xdg_configuration(environ, home) / "session-buddy",
        )

    @property
    def state(self) -> Path:
        return self.claude / "akosha"

    @property
    def outbox(self) -> Path:
        return self.state / "outbox"

    @property
    def receipts(self) -> Path:
        return self.state / "receipts"

    @property
    def snapshots(self) -> Path:
        return self.state / "snapshots"

    @property
    def bin(self) -> Path:
        return self.state / "bin"

    @property
    def hook_script(self) -> Path:
        return self.bin / "akosha-hook.sh"

    @property
    def interpreter(self) -> Path:
        """A file that holds the absolute path of the Python the worker runs under."""
        return self.state / "interpreter"

    @property
    def worker_lock(self) -> Path:
        """Held by the one worker, asleep or at work."""
        return self.state / "worker.lock"

    @property
    def sync_lock(self) -> Path:
        """Held by whoever syncs, restores or prunes, and never while asleep."""
        return self.state / "sync.lock"

    @property
    def progress(self) -> Path:
        return self.state / "progress.json"

    @property
    def notice(self) -> Path:
        return self.state / "notice.json"

    @property
    def notice_shown(self) -> Path:
        """Touched by the hook when a session start has shown the notice."""
        return self.state / "notice-shown"

    @property
    def setup_notice_shown(self) -> Path:
        """Exists once the session start has said how to set things up."""
        return self.state / "setup-notice-shown"

    @property
    def backoff(self) -> Path:
        return self.state / "backoff.json"

    @property
    def machine(self) -> Path:
        return self.state / "machine.json"

    @property
    def pin(self) -> Path:
        """Where the user has confirmed that memories may go."""
        return self.state / "pin.json"

    @property
    def held(self) -> Path:
        """The last time that settings led elsewhere, and nothing was uploaded."""
        return self.state / "held.json"

    @property
    def ledger(self) -> Path:
        """Every upload that this state has stored."""
        return self.state / "ledger"

    @property
    def tampering(self) -> Path:
        """What somebody changed or planted in the bucket under this machine's name."""
        return self.state / "tampering.json"

    @property
    def forgotten(self) -> Path:
        """Databases that the user gave up: they are not missed any more."""
        return self.state / "forgotten.json"

    @property
    def collapsed(self) -> Path:
        """Databases that lost most of what was in them, until the user has looked."""
        return self.state / "collapsed.json"

    @property
    def looks(self) -> Path:
        """When each store was last looked at, and what it lacked."""
        return self.state / "looks.json"

    @property
    def check(self) -> Path:
        """Where `check --read-data` puts files together; there only while it runs."""
        return self.state / "check"

    @property
    def check_lock(self) -> Path:
        """Held by whoever reads every upload back."""
        return self.state / "check.lock"

    @property
    def verification(self) -> Path:
        """The last verification of an upload, and its verdict."""
        return self.state / "verification.json"

    @property
    def verification_of_0_1(self) -> Path:
        """Where 0.1 kept it."""
        return self.state / "drill.json"

    @property
    def prune(self) -> Path:
        """When the worker last pruned, and what came of it."""
        return self.state / "prune.json"

    @property
    def regions(self) -> Path:
        """Regions of buckets that had to be asked for."""
        return self.state / "regions.json"

    @property
    def install(self) -> Path:
        return self.state / "install.json"

    @property
    def log(self) -> Path:
        return self.state / "akosha.log"

    @property
    def session_buddy_log(self) -> Path:
        """Session-Buddy's own log: appended to, never renamed, truncated or chmodded."""
        return self.claude / "logs" / "session-buddy.log"

    @property
    def settings_yaml(self) -> Path:
        return self.claude / "settings" / "session-buddy.yaml"

    @property
    def local_yaml(self) -> Path:
        return self.claude / "settings" / "local.yaml"

    @property
    def config_yaml(self) -> Path | None:
        return self.session_buddy and self.session_buddy / "config.yaml"

    @property
    def config_local_yaml(self) -> Path | None:
        return self.session_buddy and self.session_buddy / "local.yaml"

    @property
    def settings_files(self) -> tuple[Path, ...]:
        """Every file that settings of the user are read from, highest first."""
        newer = (self.config_local_yaml, self.config_yaml)
        return (
            self.user_toml,
            *(each for each in newer if each is not None),
            self.local_yaml,
            self.settings_yaml,
        )

    @property
    def data(self) -> Path:
        return self.claude / "data"

    @property
    def claude_settings(self) -> Path:
        return self.claude / "settings.json"


def _xdg_configuration(environ: Mapping[str, str], home: Path) -> Path:
    """`XDG_CONFIG_HOME`, else `~/.config`; one that is not absolute does not count.

    https://specifications.freedesktop.org/basedir-spec/latest/#variables
    """
    configured = environ.get("XDG_CONFIG_HOME", "")
    return Path(configured) if os.path.isabs(configured) else home / ".config"  # noqa: PTH117


def _own_configuration(home: Path) -> Path:
    """The platform's directory for our settings."""
    import platformdirs

    directory = platformdirs.user_config_path("akosha-hook")
    # Beside a relative one, a repository's file would be ours.
    return directory if directory.is_absolute() else home / ".config" / "akosha-hook"


def account_home() -> Path:
    """The home directory of the user's account, whatever the environment says."""
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/nonexistent")


def aws_file(environ: Mapping[str, str], home: Path, variable: str, name: str) -> Path:
    """The file that `variable` names, else `name` in `~/.aws`."""
    configured = environ.get(variable)
    if not configured:
        return home / ".aws" / name
    return home / configured[2:] if configured.startswith("~/") else Path(configured)


def mc_config(environ: Mapping[str, str], home: Path) -> Path:
    """The MinIO client's configuration."""
    directory = environ.get("MC_CONFIG_DIR")
    return Path(directory) / "config.json" if directory else home / ".mc" / "config.json"


def credentials_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Files of other programs in which keys may be, whether or not they exist."""
    try:
        home = Path(environ.get("HOME") or Path.home())
        return (
            aws_file(environ, home, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            aws_file(environ, home, "AWS_CONFIG_FILE", "config"),
            mc_config(environ, home),
        )
    except RuntimeError:  # no home directory
        return ()


def shipped(name: str) -> Path:
    """The shipped file or folder `name` (`hooks/...`, `templates/...`), from a wheel or a checkout."""
    package = Path(__file__).parent
    for root in (package / "_shipped", package.parent):
        path = root / name
        if path.exists():
            return path
    raise AkoshaHookError(
        f"The installed package lacks {name}.",
        hint="Install akosha-hook again: pip install -U akosha-hook",
    )
