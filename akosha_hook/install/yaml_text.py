"""Changing a YAML document as data while its comments, order, quotes and indentation stay."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from akosha_hook.errors import AkoshaHookError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ruamel.yaml import YAML

# (mapping, sequence, offset) of the layouts in use, the most common first.
_LAYOUTS = ((2, 2, 0), (2, 4, 2), (4, 4, 2), (4, 4, 0), (4, 6, 4))


# Five layouts are tried, and ruamel takes some seconds for a megabyte.
MAX_BYTES = 128 * 1024
MAX_DEPTH = 50


class YAMLTextError(AkoshaHookError):
    """The document cannot be changed without touching lines that are not ours.

    The message says why, as a verb and its object: what holds the document comes before it.
    """


def parse(text: str) -> Any:
    """The document as plain data; raises YAMLTextError with the line for what is not YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        _refuse_depth(text)
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YAMLTextError(f"is not valid YAML: {error.problem} (line {line})") from error
    except YAMLError as error:
        raise YAMLTextError("is not valid YAML") from error
    except (ValueError, ArithmeticError, LookupError, TypeError, RecursionError) as error:
        # What Python's own numbers and dates raise for an invalid value.
        raise YAMLTextError("is not valid YAML: a value that cannot be read") from error


def _refuse_depth(text: str) -> None:
    """Raise YAMLTextError for what nests too deeply, before anything recurses into it."""
    import yaml

    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise YAMLTextError("is nested too deeply")
    except yaml.YAMLError:
        return  # ruamel says it with its line


def edit(data: bytes, change: Callable[[Any], None]) -> bytes:
    """`data` with `change` applied to the document.

    Raises YAMLTextError where writing the unchanged document would already alter its text.
    """
    if len(data) > MAX_BYTES:
        raise YAMLTextError(f"is longer than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise YAMLTextError("is not UTF-8 text") from error
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    if parse(text) is None:
        raise YAMLTextError("is empty")
    yaml = _faithful(text)
    document = yaml.load(text)
    change(document)
    wanted = parse(text)
    change(wanted)
    after = _dump(yaml, document)
    if parse(after) != wanted:
        raise YAMLTextError("is written in a way that cannot be kept")
    return after.replace("\n", newline).encode()


def _faithful(text: str) -> YAML:
    """A writer that reproduces `text` exactly."""
    for layout in _LAYOUTS:
        for explicit_start in (False, True):
            yaml = _writer(*layout, explicit_start=explicit_start)
            if _dump(yaml, yaml.load(text)) == text:
                return yaml
    raise YAMLTextError("is written in a way that cannot be kept")


def _writer(mapping: int, sequence: int, offset: int, *, explicit_start: bool) -> YAML:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.explicit_start = explicit_start
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
    return yaml


def _dump(yaml: YAML, document: Any) -> str:
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()
