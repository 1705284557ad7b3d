"""Go on, pin, or hold: the whole table."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.errors import ExitCode, Kind, UnconfirmedError
from akosha_hook.paths import Paths
from akosha_hook.snapshot.model import Fingerprint
from akosha_hook.state import held, pinning
from akosha_hook.state import pin as pins
from akosha_hook.state.pin import Pin, Unusable
from akosha_hook.state.pinning import Decision, Part, decide
from akosha_hook.state.receipt import ReceiptFile, Target
from akosha_hook.state.receipts import Receipts
from tests.support.reports import leave_receipt

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "SESSION_BUDDY_AKOSHA_"
ALL: tuple[Part, ...] = ("bucket", "akosha", "data")
BUCKET = Target(method="cloud", endpoint="https://s3.example", bucket="mine", system_id="x")


@dataclass
class Where:
    """Settings by the environment, over those of the user's files."""

    paths: Paths
    environ: dict[str, str] = field(default_factory=dict)

    def context(self, **changes: str) -> Context:
        environ = {**os.environ, **self.environ}
        environ |= {PREFIX + name.upper(): value for name, value in changes.items()}
        return Context(settings.load_strict(environ, self.paths), self.paths, environ)

    def pinned(self, **changes: str) -> Pin:
        return pinning.wanted_by(self.context(**changes), ()).pin

    def decision(
        self,
        pinned: Pin | Unusable | None = None,
        before: Pin | None = None,
        *,
        parts: tuple[Part, ...] = ALL,
        at_terminal: bool = False,
        accepts: bool = False,
        also: Mapping[str, str] = MappingProxyType({}),
        **changes: str,
    ) -> Decision:
        wanted = pinning.wanted_by(self.context(**also, **changes), parts)
        return decide(wanted, pinned, before, at_terminal=at_terminal, accepts=accepts)


@pytest.fixture
def where(paths: Paths) -> Where:
    paths.settings_yaml.parent.mkdir(parents=True)
    paths.settings_yaml.write_text(
        'akosha_cloud_bucket: mine\nakosha_cloud_endpoint: "https://s3.example"\n'
    )
    return Where(paths)


@pytest.mark.parametrize(
    ("pinned", "before", "at_terminal", "accepts", "action"),
    [
        # nothing is known: only a person, or AKOSHA_PIN, makes the first pin
        (None, None, False, False, "hold"),
        (None, None, True, False, "pin"),
        (None, None, False, True, "pin"),
        # an upgrade: receipts tell
        (None, "same", False, False, "pin"),
        (None, "other", False, False, "hold"),
        (None, "other", True, False, "hold"),
        (None, "other", False, True, "hold"),
        # a pin
        ("same", None, False, False, "go"),
        ("same", "other", False, False, "go"),
        ("other", None, False, False, "hold"),
        ("other", None, True, False, "hold"),
        ("other", None, False, True, "hold"),
        ("other", "same", False, True, "hold"),
        # one that cannot be believed
        ("unusable", None, False, False, "hold"),
        ("unusable", "same", True, True, "hold"),
    ],
)
def test_the_table(
    where: Where,
    pinned: str | None,
    before: str | None,
    at_terminal: bool,
    accepts: bool,
    action: str,
) -> None:
    there = {
        "same": where.pinned(),
        "other": where.pinned(cloud_bucket="other"),
        "unusable": Unusable("it is broken"),
        None: None,
    }
    remembered = there[before]
    assert not isinstance(remembered, Unusable)
    decision = where.decision(there[pinned], remembered, at_terminal=at_terminal, accepts=accepts)
    assert decision.action == action
    # What would be confirmed is where the settings lead now.
    assert decision.pin.bucket == "mine"


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("cloud_bucket", "theirs", "akosha_cloud_bucket"),
        ("cloud_bucket", "", "akosha_cloud_bucket"),
        ("cloud_endpoint", "https://evil.example", "akosha_cloud_endpoint"),
        ("cloud_endpoint", "", "akosha_cloud_endpoint"),
        ("cloud_endpoint", "http://127.0.0.1:1", "akosha_cloud_endpoint"),
        ("http_url", "https://evil.example/mcp", "akosha_http_url"),
        ("data_dir", "/elsewhere", "akosha_data_dir"),
    ],
)
def test_each_change_is_held_with_both_values_and_its_origin(
    where: Where, name: str, value: str, setting: str
) -> None:
    decision = where.decision(where.pinned(), at_terminal=True, accepts=True, also={name: value})
    assert decision.action == "hold"
    change = next(each for each in decision.changes if each.setting == setting)
    assert str(change).startswith(f"{setting} is now ")
    assert f"(environment {PREFIX}{name.upper()})" in str(change) or name == "cloud_bucket"
    assert (value.removesuffix("/mcp") or ("empty" if name == "cloud_bucket" else "aws")) in str(
        change
    )
    assert "but you confirmed " in str(change)


def test_a_file_is_named_with_its_line(where: Where) -> None:
    pinned = where.pinned()
    where.paths.settings_yaml.write_text(
        'log_level: INFO\nakosha_cloud_bucket: theirs\nakosha_cloud_endpoint: "https://s3.example"\n'
    )
    (change,) = where.decision(pinned).changes
    assert change.origin == f"{where.paths.settings_yaml}:2"
    assert (change.confirmed, change.now) == ("mine", "theirs")


def write_config(where: Where, text: str) -> Path:
    path = where.paths.config_yaml
    assert path is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_nested_setting_is_named_as_it_is_spelt(where: Where) -> None:
    pinned = where.pinned()
    path = write_config(where, "cloud_sync:\n  cloud_bucket: theirs\npaths: {data_dir: /theirs}\n")
    bucket, data = where.decision(pinned).changes
    assert bucket.origin == f"{path}:2 cloud_sync.cloud_bucket"
    assert data.origin == f"{path}:3 paths.data_dir"
    assert data.setting == "akosha_data_dir"


@pytest.mark.parametrize(
    "variable", ["SESSION_BUDDY_DATABASE_PATH", "SESSION_BUDDY_DATABASE__PATH"]
)
def test_a_database_outside_the_data_directory_is_held(where: Where, variable: str) -> None:
    pinned = where.pinned()
    where.environ[variable] = "/srv/reflection.duckdb"
    decision = where.decision(pinned, at_terminal=True)
    assert decision.action == "hold"
    (change,) = decision.changes
    assert str(change) == (
        f'database_path is now "/srv/reflection.duckdb" (environment {variable}), '
        "but you confirmed none"
    )
    assert "and /srv/reflection.duckdb" in str(decision.pin)
    confirmed = where.decision(decision.pin)
    assert confirmed.action == "go"
    # One that is no longer configured would go unnoticed.
    del where.environ[variable]
    assert where.decision(decision.pin).changes[0].now == ""


@pytest.mark.parametrize(
    ("variable", "value", "setting"),
    [
        ("SESSION_BUDDY_CLOUD_SYNC__CLOUD_BUCKET", "theirs", "akosha_cloud_bucket"),
        (
            "SESSION_BUDDY_CLOUD_SYNC__CLOUD_ENDPOINT",
            "https://evil.example",
            "akosha_cloud_endpoint",
        ),
        ("SESSION_BUDDY_CLOUD_SYNC__HTTP_URL", "https://evil.example", "akosha_http_url"),
        ("SESSION_BUDDY_CLOUD_SYNC__DATA_DIR", "/etc", "akosha_data_dir"),
        ("SESSION_BUDDY_PATHS__DATA_DIR", "/etc", "akosha_data_dir"),
        ("SESSION_BUDDY_DATA_DIR", "/etc", "akosha_data_dir"),
    ],
)
def test_each_nested_variable_is_held(
    where: Where, variable: str, value: str, setting: str
) -> None:
    pinned = where.pinned()
    where.environ[variable] = value
    decision = where.decision(pinned, at_terminal=True, accepts=True)
    assert decision.action == "hold"
    change = next(each for each in decision.changes if each.setting == setting)
    assert change.origin == f"environment {variable}"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://s3.example", "https://S3.EXAMPLE:443/", True),
        ("", "https://s3.amazonaws.com", True),
        ("https://s3.example", "https://s3.example:8443", False),
        ("https://127.0.0.1:9", "http://127.0.0.1:9", False),
        ("https://s3.amazonaws.com", "https://s3.amazonaws.com.cn", False),
    ],
)
def test_one_server_may_be_spelt_differently(
    where: Where, one: str, other: str, same: bool
) -> None:
    decision = where.decision(where.pinned(cloud_endpoint=one), cloud_endpoint=other)
    assert (decision.action == "go") is same


def test_a_region_in_china_is_another_server(where: Where) -> None:
    """Its buckets are other people's, whatever they are called."""
    pinned = where.pinned(cloud_endpoint="")
    held_ = where.decision(pinned, cloud_endpoint="", cloud_region="cn-north-1")
    assert [each.setting for each in held_.changes] == ["akosha_cloud_endpoint"]
    assert where.decision(pinned, cloud_endpoint="", cloud_region="eu-west-1").action == "go"


def test_an_akosha_server_counts_only_where_it_is_used(where: Where) -> None:
    off = {"enable_fallback": "false"}
    without = where.pinned(**off)
    assert without.akosha_url == ""
    sync = pinning.parts_of(("cloud",))
    assert (
        where.decision(without, parts=tuple(sync), http_url="https://x.example", also=off).action
        == "go"
    )
    turned_on = where.decision(without)
    assert [each.setting for each in turned_on.changes] == ["akosha_http_url"]
    # The default server is in use by default: nobody is asked about it, nor about /mcp.
    assert where.decision(where.pinned(), http_url="http://localhost:8682/mcp").action == "go"


def test_the_switch_that_brings_akosha_in_is_named(where: Where) -> None:
    off = where.pinned(enable_fallback="false")
    (change,) = where.decision(off, enable_fallback="true").changes
    assert change.origin == f"environment {PREFIX}ENABLE_FALLBACK"


def test_confirming_keeps_what_a_run_did_not_use(where: Where) -> None:
    pinned = where.pinned()
    reading = where.decision(
        pinned, parts=("bucket",), cloud_bucket="other", http_url="https://evil.example"
    )
    assert (reading.pin.bucket, reading.pin.akosha_url) == ("other", pinned.akosha_url)


def test_an_unattended_run_is_held_with_what_to_type(where: Where) -> None:
    with pytest.raises(UnconfirmedError) as raised:
        pinning.settle(where.context(), ALL)
    error = raised.value
    assert (error.kind, error.exit_code) == (Kind.UNCONFIRMED, ExitCode.SETTINGS)
    assert "bucket mine at https://s3.example" in error.message
    assert "akosha-hook sync, typed at a terminal" in error.hint
    assert "akosha-hook install --yes" in error.hint
    assert not where.paths.pin.exists()
    remembered = held.last(where.paths)
    assert remembered is not None
    assert remembered.message == error.message


def test_accept_pins_the_first_destination_and_changes_none(where: Where) -> None:
    where.environ = {"AKOSHA_PIN": "accept"}
    pinning.settle(where.context(), ALL)
    pinned = pins.look(where.paths)
    assert isinstance(pinned, Pin)
    assert (pinned.bucket, pinned.by) == ("mine", "AKOSHA_PIN=accept")
    with pytest.raises(UnconfirmedError):
        pinning.settle(where.context(cloud_bucket="theirs"), ALL)
    assert pins.look(where.paths) == pinned


@pytest.mark.parametrize("value", ["", "1", "yes", "ACCEPT", "accept "])
def test_any_other_word_accepts_nothing(where: Where, value: str) -> None:
    where.environ = {"AKOSHA_PIN": value}
    assert pinning.look(where.context(), ALL).action == "hold"


def test_accept_does_not_count_beside_the_accounts_own_pin(
    where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that moves CLAUDE_CONFIG_DIR finds no pin there, and must not make one."""
    account = tmp_path / "account"
    monkeypatch.setattr(pins, "account_home", lambda: account)
    where.environ = {"AKOSHA_PIN": "accept"}
    assert pinning.look(where.context(), ALL).action == "pin"
    (account / ".claude" / "akosha").mkdir(parents=True)
    (account / ".claude" / "akosha" / "pin.json").write_text("{}")
    assert pinning.look(where.context(), ALL).action == "hold"


@pytest.fixture
def elsewhere(where: Where, tmp_path: Path) -> Where:
    """A state directory to which `CLAUDE_CONFIG_DIR` leads, and the same databases as ever."""
    where.paths.data.mkdir()
    (where.paths.data / "reflection.duckdb").write_bytes(b"memories")
    environ = {
        "CLAUDE_CONFIG_DIR": str(tmp_path / "clone"),
        f"{PREFIX}DATA_DIR": str(where.paths.data),
        f"{PREFIX}CLOUD_BUCKET": BUCKET.bucket,
        f"{PREFIX}CLOUD_ENDPOINT": BUCKET.endpoint,
    }
    return Where(Paths.from_environment({**os.environ, **environ}), environ)


def test_where_a_variable_leads_to_a_state_without_a_pin_a_person_is_asked(
    elsewhere: Where,
) -> None:
    decision = pinning.look(elsewhere.context(), ALL, at_terminal=True)
    assert decision.action == "hold"
    assert f"nothing was ever confirmed in {elsewhere.paths.state}" in decision.reason
    assert decision.pin.bucket == "mine"


def test_a_home_that_was_moved_is_asked_about_where_the_account_has_a_state(
    where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = tmp_path / "account"
    monkeypatch.setattr(pins, "account_home", lambda: account)
    assert pinning.look(where.context(), ALL, at_terminal=True).action == "pin"
    (account / ".claude" / "akosha" / "receipts").mkdir(parents=True)
    assert pinning.look(where.context(), ALL, at_terminal=True).action == "hold"


@pytest.mark.parametrize(
    ("file", "action"), [("this very one", "pin"), ("another", "hold"), ("", "hold")]
)
def test_receipts_that_may_have_come_with_a_clone_count_only_for_the_files_here(
    elsewhere: Where, file: str, action: str
) -> None:
    database = Path(elsewhere.environ[f"{PREFIX}DATA_DIR"]) / "reflection.duckdb"
    fingerprint = Fingerprint.of(database.stat())
    if file == "another":
        fingerprint = msgspec.structs.replace(fingerprint, inode=fingerprint.inode + 1)
    files = [
        ReceiptFile(
            name=database.name,
            database=database.name,
            status="uploaded",
            size=fingerprint.size,
            sha256="0" * 64,
            key=f"systems/x/uploads/1/{database.name}",
            fingerprint=fingerprint,
        )
    ]
    receipt = leave_receipt(elsewhere.paths, 1, BUCKET)
    Receipts(elsewhere.paths).save(
        msgspec.structs.replace(receipt, files=tuple(files) if file else ())
    )
    assert pinning.look(elsewhere.context(), ALL).action == action


def test_receipts_of_an_older_version_are_as_good_as_a_pin(where: Where) -> None:
    leave_receipt(where.paths, 1, BUCKET)
    pinning.settle(where.context(), ALL)
    pinned = pins.look(where.paths)
    assert isinstance(pinned, Pin)
    assert (pinned.bucket, pinned.endpoint, pinned.by) == ("mine", "https://s3.example", "upgrade")
    assert pinned.akosha_url == "http://localhost:8682"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cloud_bucket", "theirs"),
        ("cloud_endpoint", "https://evil.example"),
        ("http_url", "https://evil.example"),
    ],
)
def test_what_receipts_tell_is_not_overruled(where: Where, name: str, value: str) -> None:
    leave_receipt(where.paths, 1, BUCKET)
    with pytest.raises(UnconfirmedError, match=value):
        pinning.settle(where.context(**{name: value}), ALL)
    assert not where.paths.pin.exists()


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("paths: {data_dir: /elsewhere}\n", "akosha_data_dir"),
        ("data_dir: /elsewhere\n", "akosha_data_dir"),
        ("database_path: /elsewhere/reflection.duckdb\n", "database_path"),
        ("akosha_http_url: https://elsewhere.example\n", "akosha_http_url"),
    ],
)
def test_what_an_older_version_did_not_follow_is_not_confirmed_by_its_receipts(
    where: Where, text: str, setting: str
) -> None:
    leave_receipt(where.paths, 1, BUCKET)
    write_config(where, text)
    decision = pinning.look(where.context(), ALL, at_terminal=True)
    assert decision.action == "hold"
    assert [each.setting for each in decision.changes] == [setting]


@pytest.mark.parametrize(
    "text",
    [
        "database_path: /elsewhere/reflection.duckdb\n",
        "database: {path: /elsewhere/reflection.duckdb}\n",
        "paths: {data_dir: /elsewhere}\n",
    ],
)
def test_nor_are_keys_that_were_in_its_own_file_all_along(where: Where, text: str) -> None:
    leave_receipt(where.paths, 1, BUCKET)
    with where.paths.settings_yaml.open("a") as file:
        file.write(text)
    assert pinning.look(where.context(), ALL, at_terminal=True).action == "hold"


@pytest.mark.parametrize(
    ("flat", "nested"),
    [
        ("data_dir: /memories\n", ""),
        ("data_dir: /memories\n", "paths: {data_dir: /memories}\n"),
        ("", "paths: {data_dir: ~/.claude/data}\n"),
        ("", "database: {path: ~/.claude/data/reflection.duckdb}\n"),
        ("database_path: ~/.claude/data/reflection.duckdb\n", ""),
    ],
)
def test_a_data_directory_that_stays_the_same_is_no_change(
    where: Where, flat: str, nested: str
) -> None:
    leave_receipt(where.paths, 1, BUCKET)
    with where.paths.settings_yaml.open("a") as file:
        file.write(flat)
    write_config(where, nested)
    assert pinning.look(where.context(), ALL).action == "pin"


def test_a_failed_upload_confirms_nothing(where: Where) -> None:
    leave_receipt(where.paths, 1, BUCKET, error="It failed.")
    assert pinning.look(where.context(), ALL).action == "hold"


def test_a_file_names_the_akosha_server_that_was_never_needed(where: Where) -> None:
    leave_receipt(where.paths, 1, BUCKET)
    with where.paths.settings_yaml.open("a") as file:
        file.write('akosha_http_url: "https://akosha.example"\n')
    assert pinning.look(where.context(), ALL).pin.akosha_url == "https://akosha.example"


@pytest.mark.parametrize(
    ("name", "environ", "expected"),
    [
        ("akosha_cloud_bucket", {}, ("mine", "https://confirmed")),
        ("akosha_cloud_endpoint", {}, ("confirmed", "https://s3.example")),
        # What a project exports beside it is not what the user has typed.
        ("akosha_cloud_bucket", {"cloud_endpoint": "https://evil"}, ("mine", "https://confirmed")),
    ],
)
def test_a_setting_that_was_typed_is_confirmed_and_no_other(
    where: Where, name: str, environ: dict[str, str], expected: tuple[str, str]
) -> None:
    known = Pin(bucket="confirmed", endpoint="https://confirmed", akosha_url="http://a")
    wanted = pinning.wanted_by(where.context(**environ), ())
    new = pinning.with_setting(known, wanted, name)
    assert (new.bucket, new.endpoint) == expected
    assert new.akosha_url == "http://a"


def test_the_first_bucket_brings_its_endpoint_with_it(where: Where) -> None:
    wanted = pinning.wanted_by(where.context(), ())
    new = pinning.with_setting(Pin(), wanted, "akosha_cloud_bucket")
    assert (new.bucket, new.endpoint) == ("mine", "https://s3.example")
    exported = pinning.wanted_by(where.context(cloud_endpoint="https://evil"), ())
    new = pinning.with_setting(Pin(), exported, "akosha_cloud_bucket")
    assert (new.bucket, new.endpoint) == ("mine", "https://s3.amazonaws.com")
    none = pinning.wanted_by(where.context(cloud_bucket=""), ())
    assert pinning.with_setting(new, none, "akosha_cloud_bucket").endpoint == ""


def test_a_data_directory_and_a_server_that_were_typed(where: Where) -> None:
    with where.paths.settings_yaml.open("a") as file:
        file.write('akosha_http_url: "https://akosha.example"\nakosha_data_dir: "/typed"\n')
    wanted = pinning.wanted_by(where.context(), ())
    known = Pin(akosha_url="http://a", data_directory="/before")
    assert pinning.with_setting(known, wanted, "akosha_data_dir").data_directory == "/typed"
    new = pinning.with_setting(known, wanted, "akosha_http_url")
    assert new.akosha_url == "https://akosha.example"
    # A switch confirms the server only where none was in use.
    assert pinning.with_setting(known, wanted, "akosha_enable_fallback") == known


def test_a_typed_data_directory_confirms_no_other_database(where: Where) -> None:
    where.environ["SESSION_BUDDY_DATABASE_PATH"] = "/srv/reflection.duckdb"
    wanted = pinning.wanted_by(where.context(data_dir="/typed"), ())
    for known, databases in (
        (Pin(data_directory="/before"), ()),
        (Pin(data_directory="/before", databases=wanted.pin.databases), wanted.pin.databases),
        # It was in the directory that was confirmed.
        (Pin(data_directory="/srv"), wanted.pin.databases),
    ):
        new = pinning.with_setting(known, wanted, "akosha_data_dir")
        assert (new.data_directory, new.databases) == ("/typed", databases)
