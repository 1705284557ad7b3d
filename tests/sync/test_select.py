"""Which destinations are tried, as a truth table: setting, call, bucket, fallback."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest

from akosha_hook.errors import ExitCode, SettingsError
from akosha_hook.settings.fields import Settings
from akosha_hook.sync.select import destinations

Method = Literal["auto", "cloud", "http"]
METHODS: tuple[Method, ...] = ("auto", "cloud", "http")


def expected(
    forced: Method, asked: Method, bucket: bool, falls_back: bool
) -> tuple[str, ...] | None:
    """None: nothing may be used. A call's own method beats the setting; `auto` means the setting."""
    method = forced if asked == "auto" else asked
    if method == "http":
        return ("http",)
    if method == "cloud":
        return ("cloud",) if bucket else None
    if bucket:
        return ("cloud", "http") if falls_back else ("cloud",)
    return ("http",) if falls_back else None


@pytest.mark.parametrize(
    ("forced", "asked", "bucket", "setting", "argument"),
    list(itertools.product(METHODS, METHODS, (True, False), (True, False), (True, False))),
)
def test_destinations_in_order(
    forced: Method, asked: Method, bucket: bool, setting: bool, argument: bool
) -> None:
    settings = Settings(
        akosha_force_method=forced,
        akosha_cloud_bucket="memories" if bucket else "",
        akosha_enable_fallback=setting,
    )
    wanted = expected(forced, asked, bucket, falls_back=setting and argument)
    if wanted is None:
        with pytest.raises(SettingsError) as caught:
            destinations(settings, asked, allow_fallback=argument)
        assert caught.value.exit_code == ExitCode.SETTINGS
        assert "akosha_cloud_bucket" in caught.value.hint
    else:
        assert destinations(settings, asked, allow_fallback=argument) == wanted


def test_the_documented_cases_by_hand() -> None:
    """The same rules without the table's own logic."""
    with_bucket = Settings(akosha_cloud_bucket="memories")
    assert destinations(with_bucket) == ("cloud", "http")
    assert destinations(with_bucket, allow_fallback=False) == ("cloud",)
    assert destinations(with_bucket, "cloud") == ("cloud",)
    assert destinations(with_bucket, "http") == ("http",)
    assert destinations(Settings()) == ("http",)
