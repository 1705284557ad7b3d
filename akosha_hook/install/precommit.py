"""Our hook in a `.pre-commit-config.yaml`, which pre-commit and prek both read."""

from __future__ import annotations

from typing import Any

from akosha_hook.install import yaml_text
from akosha_hook.paths import shipped

PART = "pre-commit-config"
STANZA = "templates/pre-commit-config.yaml"
HOOK_ID = "akosha-sync"
_TYPES = "default_install_hook_types"


def add(data: bytes) -> bytes:
    """The configuration with our hook, and with the git hook types that it needs.

    Raises YAMLTextError where that would touch lines that are not ours.
    """
    return yaml_text.edit(data, _add)


def remove(data: bytes, original: bytes | None) -> bytes | None:
    """The configuration without our hook, and without hook types that `original` did not have."""
    had = _types_of(original)
    return yaml_text.edit(data, lambda document: _remove(document, had))


def _add(document: Any) -> None:
    stanza = yaml_text.parse(shipped(STANZA).read_text())
    repositories = _repositories(document)
    types = document.get(_TYPES)
    if types is None:
        document[_TYPES] = stanza[_TYPES]
    else:
        types += [each for each in stanza[_TYPES][1:] if each not in types]
    [ours] = stanza["repos"]
    current = _our_hook(repositories)
    if current is not None:
        current.update(ours["hooks"][0])
    elif not _has_published_hook(repositories):
        repositories.append(ours)


def _repositories(document: Any) -> list[Any]:
    if not isinstance(document, dict) or not isinstance(document.get("repos", []), list):
        raise yaml_text.YAMLTextError("is not a pre-commit configuration")
    if not isinstance(document.get(_TYPES, []), list):
        raise yaml_text.YAMLTextError(f"is not a pre-commit configuration: {_TYPES} is not a list")
    repositories: list[Any] = document.setdefault("repos", [])
    return repositories


def _our_hook(repositories: list[Any]) -> Any:
    """Our hook in a `repo: local`; None where there is none, or it comes from our repository."""
    for repository in repositories:
        if isinstance(repository, dict) and repository.get("repo") == "local":
            for hook in repository.get("hooks") or ():
                if isinstance(hook, dict) and hook.get("id") == HOOK_ID:
                    return hook
    return None


def _has_published_hook(repositories: list[Any]) -> bool:
    """Whether the hook comes from our own repository, as the README suggests to teams."""
    return any(
        isinstance(hook, dict) and hook.get("id") == HOOK_ID
        for repository in repositories
        if isinstance(repository, dict)
        for hook in repository.get("hooks") or ()
    )


def _remove(document: Any, had: list[Any] | None) -> None:
    repositories = _repositories(document)
    hook = _our_hook(repositories)
    if hook is None:
        return
    for repository in list(repositories):
        hooks = repository.get("hooks") if isinstance(repository, dict) else None
        if isinstance(hooks, list) and any(each is hook for each in hooks):
            hooks.remove(hook)
            if not hooks:
                repositories.remove(repository)
    ours = yaml_text.parse(shipped(STANZA).read_text())[_TYPES]
    if had is None and document.get(_TYPES) == ours:
        del document[_TYPES]
    elif had is not None:
        for each in ours[1:]:
            if each not in had and each in document.get(_TYPES, []):
                document[_TYPES].remove(each)


def _types_of(original: bytes | None) -> list[Any] | None:
    try:
        document = yaml_text.parse((original or b"").decode())
    except (UnicodeDecodeError, yaml_text.YAMLTextError):
        return None
    types = document.get(_TYPES) if isinstance(document, dict) else None
    return types if isinstance(types, list) else None
