"""YAML settings: Session-Buddy's own files, of which only our keys are looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from akosha_hook.settings.document import MAX_DEPTH, Entry, read_text, unreadable
from akosha_hook.settings.values import MAX_NAMES, MAX_TEXT, Unparsed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    import yaml

MAX_EVENTS = 100_000
MERGE_TAG = "tag:yaml.org,2002:merge"
TEXT_TAG = "tag:yaml.org,2002:str"
NULL_TAG = "tag:yaml.org,2002:null"


def read_yaml(
    path: Path, wanted: Callable[[str], bool], groups: Collection[str] = ()
) -> tuple[Entry, ...]:
    """The top-level keys of `path` for which `wanted` holds; none where the file is missing.

    Where one of `groups` is a mapping, its keys stand for it: `group.key`, if `wanted` holds for
    that. Values are built for wanted keys only, and anchors are never expanded, so the size of the
    file bounds the work. Raises UnreadableError.
    """
    text = read_text(path)
    if text is None or not text.strip():
        return ()
    import yaml

    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_depth(path, text, loader_class)
        loader = loader_class(text)
        try:
            root = loader.get_single_node()
            return tuple(_entries(path, loader, root, wanted, groups))
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _broken(path, text, error) from error


def _check_depth(path: Path, text: str, loader: Any) -> None:
    """Refuse deep nesting before it is composed: that recurses, and libyaml's scan is quadratic."""
    import yaml

    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > MAX_EVENTS:
            what = "is nested too deeply" if depth > MAX_DEPTH else "holds too many values"
            raise unreadable(path, f"{what} for settings", _line(event))


def _line(where: yaml.Event | yaml.Node) -> int | None:
    return where.start_mark.line + 1 if where.start_mark else None


def _broken(path: Path, text: str, error: yaml.YAMLError) -> Exception:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
    line = mark.line + 1 if mark else None
    position = getattr(error, "position", None)
    if line is None and isinstance(position, int):
        line = text.count("\n", 0, position) + 1
    return unreadable(path, f"is not valid YAML: {reason}", line)


def _entries(
    path: Path,
    loader: Any,
    root: yaml.Node | None,
    wanted: Callable[[str], bool],
    groups: Collection[str],
) -> Iterator[Entry]:
    import yaml

    if root is None or root.tag == NULL_TAG:
        return
    if not isinstance(root, yaml.MappingNode):
        raise unreadable(path, "must hold `key: value` lines at its top level", _line(root))
    for entry, value in _keys(root, lambda key: key in groups or wanted(key)):
        if entry.key not in groups or entry.first_line is not None:
            yield replace(entry, value=_value(loader, value))
        elif isinstance(value, yaml.MappingNode):
            for inner, node in _keys(value, wanted, entry.key):
                yield replace(inner, value=_value(loader, node), group=entry.key)
        else:
            yield replace(entry, value=_value(loader, value))


def _keys(
    mapping: yaml.MappingNode, wanted: Callable[[str], bool], group: str = ""
) -> Iterator[tuple[Entry, yaml.Node]]:
    """The wanted keys of a mapping, without their values, which come as nodes."""
    lines: dict[str, int | None] = {}
    for node, value, merged in _pairs(mapping, set()):
        key = f"{group}.{node.value}" if group else node.value
        if not wanted(key) or (merged and key in lines):
            continue
        line = _line(node)
        yield Entry(key, None, line, lines.get(key)), value
        lines.setdefault(key, line)


def _pairs(
    root: yaml.MappingNode, seen: set[int]
) -> Iterator[tuple[yaml.ScalarNode, yaml.Node, bool]]:
    """Keys with their values, those of merged (`<<`) mappings last; each mapping is visited once."""
    import yaml

    merges: list[yaml.Node] = [root]
    while merges:
        node = merges.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            merges.extend(reversed(node.value))
        if not isinstance(node, yaml.MappingNode):
            continue
        for key, value in node.value:
            if key.tag == MERGE_TAG:
                merges.append(value)
            elif isinstance(key, yaml.ScalarNode):
                yield key, value, node is not root


def _value(loader: Any, node: yaml.Node) -> object:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return [_scalar(loader, each) for each in node.value[: MAX_NAMES + 1]]
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value[:MAX_NAMES] if isinstance(key, yaml.ScalarNode)]
        return dict.fromkeys(keys)
    return _scalar(loader, node)


def _scalar(loader: Any, node: yaml.Node) -> object:
    """A plain value; the constructor raises whatever Python's int, date or base64 raise.

    A long one is not constructed: YAML's base 60 numbers take quadratic time.
    """
    import yaml

    if not isinstance(node, yaml.ScalarNode):
        return {}
    if len(node.value) > MAX_TEXT:
        return node.value if node.tag == TEXT_TAG else Unparsed(node.value)
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
        return Unparsed(node.value)
