"""Which destinations are tried, as a truth table: setting, call, bucket, fallback."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest

from akosha_hook.errors import AkoshaHookError, ExitCode, SettingsError
from akosha_hook.settings.fields import Settings
from akosha_hook.sync.select import destinations

Method = Literal["auto", "cloud", "http"]
METHODS: tuple[Method, ...] = ("auto", "cloud", "http")


def expected(
    forced: Method, asked: Method, bucket: bool, setting: bool, argument: bool
) -> tuple[str, ...] | str:
    """The destinations, or what the hint of the refusal is about."""
    if forced != "auto" and asked not in {"auto", forced}:
        return "at a terminal"
    if forced == "auto" and asked == "http" and not setting:
        return "at a terminal"
    method = forced if asked == "auto" else asked
    if method == "http":
        return ("http",)
    falls_back = method == "auto" and setting and argument
    if bucket:
        return ("cloud", "http") if falls_back else ("cloud",)
    return ("http",) if falls_back else "akosha_cloud_bucket"


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
    wanted = expected(forced, asked, bucket, setting, argument)
    if isinstance(wanted, str):
        with pytest.raises(SettingsError) as caught:
            destinations(settings, asked, allow_fallback=argument)
        assert caught.value.exit_code == ExitCode.SETTINGS
        assert wanted in caught.value.hint
    else:
        assert destinations(settings, asked, allow_fallback=argument) == wanted


@pytest.mark.parametrize("forced", METHODS)
@pytest.mark.parametrize("fallback", [True, False])
def test_what_the_user_types_at_a_terminal_goes_beyond_the_settings(
    forced: Method, fallback: bool
) -> None:
    settings = Settings(
        akosha_force_method=forced,
        akosha_cloud_bucket="memories",
        akosha_enable_fallback=fallback,
    )
    assert destinations(settings, "http", typed=True) == ("http",)
    assert destinations(settings, "cloud", typed=True) == ("cloud",)


DROPPED = ("AWS_ACCESS_KEY_ID is not heeded: /p/.claude/settings.json sets it",)


def test_nothing_falls_back_where_variables_of_a_project_were_dropped() -> None:
    with_bucket = Settings(akosha_cloud_bucket="memories")
    assert destinations(with_bucket, dropped=DROPPED) == ("cloud",)
    assert destinations(with_bucket, dropped=DROPPED, typed=True) == ("cloud",)
    with pytest.raises(AkoshaHookError, match="AWS_ACCESS_KEY_ID is not heeded") as caught:
        destinations(Settings(), dropped=DROPPED)
    # Unlike settings that lead nowhere: the events wait, and the notice says why.
    assert not isinstance(caught.value, SettingsError)
    assert destinations(Settings(akosha_force_method="http"), dropped=DROPPED) == ("http",)


def test_the_documented_cases_by_hand() -> None:
    """The same rules without the table's own logic."""
    with_bucket = Settings(akosha_cloud_bucket="memories")
    assert destinations(with_bucket) == ("cloud", "http")
    assert destinations(with_bucket, allow_fallback=False) == ("cloud",)
    assert destinations(with_bucket, "cloud") == ("cloud",)
    assert destinations(with_bucket, "http") == ("http",)
    assert destinations(Settings()) == ("http",)
