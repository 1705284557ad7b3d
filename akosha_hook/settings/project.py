"""Variables that a project's `.claude` settings put into the environment, and that we must ignore.

Claude Code applies `env` of `.claude/settings.json`, a file that comes with a clone, to everything
it starts: a hostile one could send memories elsewhere by it.

Under Claude Code such a variable is the project's, whatever its value: the project's wins there.
Elsewhere it is only if it has the value that the project gives it, so that what the user's shell
exports keeps working.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.paths import Paths
from akosha_hook.settings.document import UnreadableError, read_text
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, MutableMapping

FILES = (".claude/settings.json", ".claude/settings.local.json")
MAX_LEVELS = 64

# Variables that Claude Code sets for everything it starts.
_CLAUDE_CODE = ("CLAUDECODE", "CLAUDE_PROJECT_DIR")
_PREFIXES = (
    "SESSION_BUDDY_",
    "AKOSHA_",
    "AWS_",
    "MINIO_",
    "MC_",
    "XDG_",
    "PYTHON",
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


class _ClaudeSettings(msgspec.Struct):
    env: dict[str, object] = {}


def without_project_environment(
    environ: Mapping[str, str], directories: Iterable[Path | None], *, claude: Path
) -> Cleaned:
    """`environ` without our variables, credentials, proxies and CA files that a project names.

    Looks at the project Claude Code was started in and at each of `directories` with its parents.
    `claude`, the user's own configuration directory, is no project; the caller must know it from
    where it is installed, not from this environment. Never raises.
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
    believed = _cleaned(environ, starts, _account_home() / ".claude")
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


def _cleaned(
    environ: Mapping[str, str], directories: Iterable[Path | None], claude: Path
) -> Cleaned:
    project = environ.get("CLAUDE_PROJECT_DIR")
    starts = [*directories, Path(project) if project else None]
    under_claude_code = any(name in environ for name in _CLAUDE_CODE)
    left = dict(environ)
    dropped: list[str] = []
    for path in dict.fromkeys(each for start in starts for each in _files(start)):
        for name, value in sorted(_named_in(path, claude).items(), key=lambda item: item[0]):
            if name not in left or not _is_ours(name):
                continue
            if under_claude_code or not isinstance(value, str) or left[name] == value:
                del left[name]
                dropped.append(
                    f"{one_line(name)} is not heeded: {one_line(str(path), 1024)} sets it, and no project "
                    "decides where memories go"
                )
    return Cleaned(left, tuple(dropped))


def _account_home() -> Path:
    import pwd

    with contextlib.suppress(KeyError):
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    return Path("/nonexistent")


def _is_ours(name: str) -> bool:
    return name.upper() in _NAMES or name.upper().startswith(_PREFIXES)


def _files(start: Path | None) -> Iterator[Path]:
    if start is None or not start.is_absolute():
        return
    try:
        top = Path(os.path.realpath(start))
    except (OSError, ValueError):
        return
    for level in [top, *top.parents][:MAX_LEVELS]:
        for name in FILES:
            yield level / name


def _named_in(path: Path, claude: Path) -> Mapping[str, object]:
    """The variables that `path` sets; a file that Claude Code cannot read sets none."""
    if os.path.realpath(path.parent) == os.path.realpath(claude):
        return {}
    try:
        text = read_text(path)
        settings = msgspec.json.decode(text or "{}", type=_ClaudeSettings)
    except (UnreadableError, msgspec.DecodeError, RecursionError):
        return {}
    return settings.env
