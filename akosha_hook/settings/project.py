"""Variables that a project's `.claude` settings put into the environment, and that we must not heed.

Claude Code applies `env` of `.claude/settings.json`, a file that comes with a clone, to everything
it starts: a hostile one could send memories elsewhere by it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.settings.document import UnreadableError, read_text
from akosha_hook.settings.wording import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FILES = (".claude/settings.json", ".claude/settings.local.json")
MAX_LEVELS = 64

_PREFIXES = ("SESSION_BUDDY_", "AKOSHA_", "AWS_", "MINIO_", "MC_", "XDG_", "PYTHON", "LD_", "DYLD_")
_NAMES = frozenset(
    {
        "BASH_ENV",
        "ENV",
        "HOME",
        "CLAUDE_CONFIG_DIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SSLKEYLOGFILE",
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
    """An environment without what projects put into it; `dropped` says which names, and who."""

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
    project = environ.get("CLAUDE_PROJECT_DIR")
    starts = [*directories, Path(project) if project else None]
    left = dict(environ)
    dropped: list[str] = []
    for path in dict.fromkeys(each for start in starts for each in _files(start)):
        for name in sorted(_named_in(path, claude)):
            if name in left and _is_ours(name):
                del left[name]
                dropped.append(f"{escaped(name)}: set by {escaped(str(path), 1024)}")
    left["CLAUDE_CONFIG_DIR"] = str(claude)
    return Cleaned(left, tuple(dropped))


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


def _named_in(path: Path, claude: Path) -> frozenset[str]:
    """The variables `path` sets; a file Claude Code cannot read sets none."""
    if os.path.realpath(path.parent) == os.path.realpath(claude):
        return frozenset()
    try:
        text = read_text(path)
        found = msgspec.json.decode(text or "{}", type=_ClaudeSettings)
    except (UnreadableError, msgspec.DecodeError, RecursionError):
        return frozenset()
    return frozenset(found.env)
