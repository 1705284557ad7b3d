"""Settings that cannot be used, and where uploads would go."""

from __future__ import annotations

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import ExitCode
from akosha_hook.paths import Paths
from tests.support.findings import examine, only
from tests.support.home import Home


def test_settings_that_cannot_be_used(at_home: Home) -> None:
    at_home.configure(akosha_force_method="ftp")
    finding = only(examine(at_home), "Settings", "value")
    assert (finding.state, finding.exit_code) == ("problem", ExitCode.SETTINGS)
    assert "akosha_force_method" in finding.detail


def test_a_bucket_with_a_fallback_is_named_in_the_order_of_use(at_home: Home) -> None:
    at_home.configure(akosha_enable_fallback=True)
    assert at_home.bucket is not None
    finding = only(examine(at_home), "Settings", "destination")
    assert (finding.state, finding.detail) == ("ok", f"bucket {at_home.bucket.name}, then Akosha")


def test_without_a_bucket_akosha_alone_is_not_a_backup(paths: Paths) -> None:
    home = Home(paths)
    home.configure(akosha_http_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    finding = only(examine(home), "Settings", "destination")
    assert finding.state == "warning"
    assert "not a backup" in finding.detail
    assert finding.fix == "akosha-hook config set akosha_cloud_bucket NAME"


def test_without_any_destination_it_is_a_problem(paths: Paths) -> None:
    home = Home(paths)
    home.configure(akosha_enable_fallback=False)
    finding = only(examine(home), "Settings", "destination")
    assert (finding.state, finding.exit_code) == ("problem", ExitCode.SETTINGS)
