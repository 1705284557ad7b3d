"""The table has a row for every field, with all that messages and documentation need."""

from __future__ import annotations

from akosha_hook.settings import Settings
from akosha_hook.settings.table import table


def test_every_field_has_a_row_in_order() -> None:
    assert tuple(table()) == Settings.__struct_fields__
    assert all(row.help and row.allowed for row in table().values())
    defaults = Settings()
    assert all(row.default == getattr(defaults, name) for name, row in table().items())


def test_ranges_and_choices_come_from_the_annotations() -> None:
    rows = table()
    assert rows["akosha_max_retries"].allowed == "a whole number from 0 to 100"
    assert rows["akosha_force_method"].choices == ("auto", "cloud", "http")
    assert rows["akosha_databases"].kind == "list"


def test_what_decides_where_memories_go_is_not_safe_to_default() -> None:
    rows = table()
    for name in ("akosha_cloud_bucket", "akosha_cloud_endpoint", "akosha_http_url", "akosha_sse"):
        assert not rows[name].safe_to_default
    assert rows["akosha_settle_seconds"].safe_to_default
