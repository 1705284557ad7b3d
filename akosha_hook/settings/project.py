"""Variables that a project's `.claude` settings put into the environment, and that we must ignore.

Claude Code applies `env` of `.claude/settings.json`, a file that comes with a clone, to everything
it starts: a hostile one could send memories elsewhere by it.

Under Claude Code such a variable is the project's, whatever its value: the project's wins there.
Elsewhere it is only if it has the value that the project gives it, so that what the user's shell
exports keeps working.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.paths import Paths, account_home
from akosha_hook.settings import checkouts, claude_env
from akosha_hook.settings.document import UnreadableError, follow, place
from akosha_hook.util import claude_processes
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence

FILES = (".claude/settings.json", ".claude/settings.local.json")

# Variables that Claude Code sets for everything it starts.
_CLAUDE_CODE = ("CLAUDECODE", "CLAUDE_PROJECT_DIR")
# What an administrator sets for every project.
_MANAGED = (
    Path("/etc/claude-code/managed-settings.json"),
    Path("/Library/Application Support/ClaudeCode/managed-settings.json"),
)
_SHOWN = 400
# Prefixes of variables that can name programs or code for git and Python to run.
CODE_PREFIXES = ("GIT_", "PYTHON")
_PREFIXES = (
    "SESSION_BUDDY_",
    "AKOSHA_",
    "AWS_",
    "MINIO_",
    "MC_",
    "XDG_",
    *CODE_PREFIXES,
    "LD_",
    "DYLD_",
    "OPENSSL_",
    "PROMETHEUS_",
)
_NAMES = frozenset(
    {
        "BASH_ENV",
        "ENV",
        "HOME",
        "PATH",
        "CLAUDE_CONFIG_DIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SSLKEYLOGFILE",
        # The C library's: they redirect host names, or load code for character sets.
        "GCONV_PATH",
        "HOSTALIASES",
        "LOCALDOMAIN",
        "RES_OPTIONS",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
    }
)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An environment without projects' variables; `dropped` says which, and which file set each."""

    environ: Mapping[str, str]
    dropped: tuple[str, ...]


def without_project_environment(
    environ: Mapping[str, str], directories: Iterable[Path | None], *, claude: Path
) -> Cleaned:
    """`environ` without our variables, credentials, proxies and CA files that a project names.

    Looks at the project Claude Code was started in and at each of `directories` with its parents.
    A project file that cannot be read counts as naming all of them. Under Claude Code, what a running
    one was not started with counts as a project's too. `claude`, the user's own configuration
    directory, is no project; the caller must know it from where it is installed, not from this
    environment. Never raises.
    """
    cleaned = _cleaned(environ, directories, claude)
    return Cleaned({**cleaned.environ, "CLAUDE_CONFIG_DIR": str(claude)}, cleaned.dropped)


def without_project_variables(
    environ: Mapping[str, str], directories: Iterable[Path | None]
) -> Cleaned:
    """The same, where only the environment says which configuration directory is the user's own.

    If a project names `HOME` or `CLAUDE_CONFIG_DIR`, it is the one of the user's account.
    """
    starts = tuple(directories)
    believed = _cleaned(environ, starts, account_home() / ".claude")
    return _cleaned(environ, starts, Paths.from_environment(believed.environ).claude)


def forget_projects(
    environ: MutableMapping[str, str],
    directories: Iterable[Path | None],
    *,
    claude: Path | None = None,
) -> tuple[str, ...]:
    """Remove projects' variables from `environ` itself; returns what was removed, for messages.

    For `os.environ`: platformdirs, expanduser and every child process look there. `claude` is the
    user's own configuration directory where it is known for sure.
    """
    if claude is None:
        cleaned = without_project_variables(environ, directories)
    else:
        cleaned = without_project_environment(environ, directories, claude=claude)
    for name in set(environ) - set(cleaned.environ):
        del environ[name]
    environ.update(cleaned.environ)
    return cleaned.dropped


def forget_code_variables(environ: MutableMapping[str, str]) -> None:
    """Remove git's and Python's own variables: they can name programs and code to run."""
    for name in [each for each in environ if each.startswith(CODE_PREFIXES)]:
        del environ[name]


def _cleaned(
    environ: Mapping[str, str], directories: Iterable[Path | None], claude: Path
) -> Cleaned:
    under_claude_code = any(name in environ for name in _CLAUDE_CODE)
    project = environ.get("CLAUDE_PROJECT_DIR")
    drops = _Drops(dict(environ), claude)
    for start in dict.fromkeys([*directories, Path(project) if project else None]):
        drops.of_projects_around(start, by_name=under_claude_code)
    if under_claude_code:
        drops.of_agents(claude_processes.running(project))
    return Cleaned(drops.left, tuple(drops.messages))


@dataclass(slots=True)
class _Drops:
    """What is `left` of an environment, and a message for what was dropped."""

    left: dict[str, str]
    claude: Path
    messages: list[str] = field(default_factory=list)

    def of_projects_around(self, start: Path | None, *, by_name: bool) -> None:
        """Drop what project files in and above `start` set: any value of it, or only theirs."""
        if start is None or not start.is_absolute():
            return
        levels, unclear = checkouts.around(start)
        for reason in unclear:
            self._all(reason)
        for path in (level / name for level in levels for name in FILES):
            if not _is_same(path.parent, self.claude):
                self._of_file(path, by_name=by_name)

    def of_agents(self, running: Sequence[claude_processes.Agent]) -> None:
        """Drop what their projects set, and what they were not started with."""
        for agent in running:
            self.of_projects_around(agent.directory, by_name=agent.certain)
        if not running or not all(agent.names for agent in running):
            return
        users = [self.claude / "settings.json", self.claude / "settings.local.json", *_MANAGED]
        known = {name for path in users for name in claude_env.read(path).variables}
        known.update(name for agent in running for name in agent.names)
        self._drop(
            [name for name in self._sensitive() if name not in known],
            "Claude Code was started without it, so that it comes from inside the session",
        )

    def _of_file(self, path: Path, *, by_name: bool) -> None:
        env = claude_env.read(path)
        if env.unclear:
            self._all(env.unclear)
        for name in sorted(set(env.variables) & set(self.left)):
            value = env.variables[name]
            if _is_ours(name) and (
                by_name or not isinstance(value, str) or self.left[name] == value
            ):
                self._drop([name], f"{place(path)} sets it")

    def _all(self, reason: str) -> None:
        self._drop(self._sensitive(), f"{reason}, and Claude Code may read any variable from it")

    def _sensitive(self) -> list[str]:
        """All that is left and could redirect something, but for what is as the account has it."""
        return [
            name
            for name in sorted(self.left)
            if _is_ours(name)
            and not (name == "HOME" and self._is_own_home(self.left[name]))
            and not (name == "CLAUDE_CONFIG_DIR" and self.left[name] == str(self.claude))
        ]

    def _is_own_home(self, home: str) -> bool:
        """No project decides where we are installed: this home has us in it."""
        return home == str(account_home()) or str(self.claude) == f"{home}/.claude"

    def _drop(self, names: Sequence[str], reason: str) -> None:
        if not names:
            return
        for name in names:
            del self.left[name]
        listed = one_line(", ".join(names), _SHOWN)
        verb = "is" if len(names) == 1 else "are"
        self.messages.append(
            f"{listed} {verb} not heeded: {reason}, and no project decides where memories go"
        )


def _is_same(path: Path, other: Path) -> bool:
    try:
        return follow(path) == follow(other)
    except UnreadableError:
        return False


def _is_ours(name: str) -> bool:
    return name.upper() in _NAMES or name.upper().startswith(_PREFIXES)
