"""The templates of `config init` and the tables of `docs/configuration.md`, generated.

`python -m akosha_hook.settings.reference` in a checkout rewrites them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.settings.table import Field, table

if TYPE_CHECKING:
    from collections.abc import Sequence

TOML_TEMPLATE = "templates/settings.toml"
YAML_TEMPLATE = "templates/settings.yaml"
CONFIGURATION = "docs/configuration.md"

# The fields of Session-Buddy's own guide come first everywhere.
GUIDE_FIELDS = 13

_HEAD = """\
# Settings of akosha-hook. Each line shows a default: remove the leading "# " and change the value.
# `akosha-hook config validate` checks this file, `akosha-hook config show --origin` says where
# every value in use comes from. Credentials do not belong here: see docs/security.md.
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
    page = root / CONFIGURATION
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).parents[2])
