"""What the store has of the objects that a restore needs."""

from __future__ import annotations

import pytest

from akosha_hook import restore
from akosha_hook.errors import DamagedError
from akosha_hook.restore import RestoreRequest
from tests.support.home import Home
from tests.support.recovery import (
    context,
    put,
    upload,
)


def test_an_object_of_another_size_is_noticed_before_the_download(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    put(at_home.bucket, f"systems/laptop/uploads/{newest}/reflection.duckdb", b"short")
    with pytest.raises(DamagedError, match="has 5 bytes in the bucket, its manifest says"):
        restore.restore(RestoreRequest(newest), context(at_home.paths))
