"""The templates of `config init` and the tables of `docs/configuration.md`, generated.

`python -m akosha_hook.settings.reference` in a checkout rewrites them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.settings.spellings import CLOUD_SYNC
from akosha_hook.settings.table import Field, table
from akosha_hook.settings.wording import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

TOML_TEMPLATE = "templates/settings.toml"
YAML_TEMPLATE = "templates/settings.yaml"
NESTED_TEMPLATE = "templates/config.yaml"
CONFIGURATION = "docs/configuration.md"

# The fields of Session-Buddy's own guide come first everywhere.
GUIDE_FIELDS = 13
# Session-Buddy itself takes other values for the nested one.
_FLAT_ALWAYS = "akosha_force_method"

_HEAD = """\
# Settings of akosha-hook. Each line shows a default: remove the leading "# " and change the value.
# `akosha-hook config validate` checks this file, `akosha-hook config show --origin` says where
# every value in use comes from. Credentials do not belong here: see docs/security.md.
"""


_GROUP = f"""\
# Session-Buddy reads this group as well, and allows less in it: upload_timeout_seconds from 30 to 3600,
# max_retries to 10, retry_backoff_seconds from 0.1 to 60. Every akosha_ setting can be written flat.
{CLOUD_SYNC}:
"""


def toml_template() -> str:
    """Every field with its help and default, commented out, as TOML."""
    return _template(" =")


def yaml_template() -> str:
    """Every field with its help and default, commented out, as YAML."""
    return _template(":")


def _template(separator: str) -> str:
    blocks = [
        f"# {description(row)}\n# {row.name}{separator} {literal(row.default)}\n"
        for row in table().values()
    ]
    return "\n".join([_HEAD, *blocks])


def nested_template() -> str:
    """The fields that Session-Buddy 0.32 and later knows in its group, the others flat."""
    rows = list(table().values())
    grouped = [row for row in rows[:GUIDE_FIELDS] if row.name != _FLAT_ALWAYS]
    blocks = [
        f"  # {description(row)}\n  # {row.name.removeprefix(PREFIX)}: {literal(row.default)}\n"
        for row in grouped
    ]
    flat = [
        f"# {description(row)}\n# {row.name}: {literal(row.default)}\n"
        for row in rows
        if row not in grouped
    ]
    return "\n".join([_HEAD, _GROUP + blocks[0], *blocks[1:], *flat])


def description(row: Field) -> str:
    """The help, and what values are allowed where the type does not say it."""
    if row.choices:
        return f"{row.help} {row.allowed[0].upper() + row.allowed[1:]}."
    if row.kind in {"int", "float"}:
        return f"{row.help} {row.allowed.partition('from ')[2]}."
    return row.help


def literal(value: object) -> str:
    """A value as TOML, YAML and JSON all write it."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def markdown(rows: Sequence[Field]) -> str:
    """A reference table."""
    lines = ["| field | type | default | |", "|---|---|---|---|"]
    for row in rows:
        cells = f"`{row.name}` | {row.kind} | `{literal(row.default)}` | {description(row)}"
        lines.append(f"| {cells} |")
    return "\n".join(lines) + "\n"


def with_tables(page: str) -> str:
    """The documentation page with both of its tables regenerated."""
    rows = list(table().values())
    for name, part in (("guide", rows[:GUIDE_FIELDS]), ("more", rows[GUIDE_FIELDS:])):
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        generated = f"{begin}\n\n{markdown(part)}\n{end}"
        page, count = pattern.subn(generated.replace("\\", r"\\"), page)
        assert count == 1, f"{CONFIGURATION} lacks {begin}"
    return page


def main(root: Path) -> None:
    """Write the templates and tables of the checkout in `root`."""
    (root / TOML_TEMPLATE).write_text(toml_template(), encoding="utf-8")
    (root / YAML_TEMPLATE).write_text(yaml_template(), encoding="utf-8")
    (root / NESTED_TEMPLATE).write_text(nested_template(), encoding="utf-8")
    page = root / CONFIGURATION
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).parents[2])
