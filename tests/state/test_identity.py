"""What this machine is called in the bucket, and the rising number of its uploads."""

from __future__ import annotations

import pytest

from akosha_hook import settings as layers
from akosha_hook.paths import Paths
from akosha_hook.state import identity
from tests.support.home import Home
from tests.support.state_documents import (
    TARGET,
    fill,
)


@pytest.fixture
def at_home(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(akosha_cloud_bucket="memories", akosha_cloud_endpoint=TARGET.endpoint)
    return home


def test_a_machine_whose_name_is_a_path_is_forgotten(at_home: Home) -> None:
    """It becomes part of file names and of keys."""
    fill(at_home.paths, "machine.json", b'{"system_id": "../../x", "machine_id": "m"}')
    me = identity.load(at_home.paths, layers.load({}, at_home.paths).settings)
    assert me.system_id == "laptop"  # from the receipts
    assert at_home.paths.machine.with_name("machine.json.corrupt").exists()
