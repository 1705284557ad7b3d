"""Where databases belong, by the settings in use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from akosha_hook import settings
from akosha_hook.context import Context

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


def test_a_database_belongs_where_it_is_configured(paths: Paths) -> None:
    environ = {**os.environ, "SESSION_BUDDY_DATABASE__PATH": "/srv/reflection.duckdb"}
    context = Context(settings.load(environ, paths), paths, environ)
    (outside,) = context.outside_databases
    assert context.database_path("reflection.duckdb") == outside
    assert context.database_path("activity.db") == paths.data / "activity.db"
