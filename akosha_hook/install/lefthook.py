"""Our commands in lefthook's configuration, YAML or JSON."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from akosha_hook.install import json_text, yaml_text
from akosha_hook.paths import shipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PART = "lefthook-config"
STANZA = "templates/lefthook.yml"
NAME = "akosha-hook"


def add(path: Path, data: bytes) -> bytes:
    """The configuration with our command in each of our three git hooks.

    Raises YAMLTextError or JSONTextError where that would touch lines that are not ours.
    """
    return _edit(path, data, _add)


def remove(path: Path, data: bytes, original: bytes | None) -> bytes | None:
    """The configuration without our commands, and without git hooks that only ran ours."""
    return _edit(path, data, lambda document: _remove(document, _parsed(path, original)))


def _edit(path: Path, data: bytes, change: Callable[[Any], None]) -> bytes:
    if path.suffix != ".json":
        return yaml_text.edit(data, change)
    mark, text = json_text.decode(data)
    document = json_text.parse(text)
    wanted = copy.deepcopy(document)
    change(wanted)
    return (mark + json_text.edit(text, wanted)).encode()


def _parsed(path: Path, data: bytes | None) -> Any:
    try:
        text = (data or b"").decode("utf-8-sig")
        return json_text.parse(text) if path.suffix == ".json" else yaml_text.parse(text)
    except (UnicodeDecodeError, yaml_text.YAMLTextError, json_text.JSONTextError):
        return None


def _add(document: Any) -> None:
    for event, stanza in yaml_text.parse(shipped(STANZA).read_text()).items():
        command = stanza["commands"][NAME]
        hook = _mapping(_mapping(document).setdefault(event, {}))
        jobs = hook.get("jobs")
        if isinstance(jobs, list):
            current = _our_job(jobs)
            if current is None:
                jobs.append({"name": NAME, **command})
            else:
                current.update(command)
        else:
            _mapping(hook.setdefault("commands", {}))[NAME] = command


def _remove(document: Any, original: Any) -> None:
    for event in yaml_text.parse(shipped(STANZA).read_text()):
        hook = document.get(event) if isinstance(document, dict) else None
        if not isinstance(hook, dict):
            continue
        had = original.get(event) if isinstance(original, dict) else None
        jobs, commands = hook.get("jobs"), hook.get("commands")
        if isinstance(jobs, list) and (job := _our_job(jobs)) is not None:
            jobs.remove(job)
        elif isinstance(commands, dict) and commands.pop(NAME, None) is not None:
            if not commands and not (isinstance(had, dict) and "commands" in had):
                del hook["commands"]
            if not hook and had is None:
                del document[event]


def _our_job(jobs: list[Any]) -> Any:
    return next((job for job in jobs if isinstance(job, dict) and job.get("name") == NAME), None)


def _mapping(value: Any) -> Any:
    if not isinstance(value, dict):
        raise yaml_text.YAMLTextError("is not a lefthook configuration")
    return value
