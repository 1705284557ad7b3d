"""Whether the settings still lead where the user has confirmed that memories may go."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from akosha_hook.errors import SettingsError, UnconfirmedError
from akosha_hook.settings import Layer, Origin, endpoint
from akosha_hook.settings.derived import data_directory
from akosha_hook.settings.loading import data_directory_of_0_1
from akosha_hook.settings.table import DATABASE_PATH, table
from akosha_hook.settings.wording import shown
from akosha_hook.state import held
from akosha_hook.state import pin as pins
from akosha_hook.state.pin import Pin, Unusable
from akosha_hook.state.receipts import Receipts
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from akosha_hook.context import Context
    from akosha_hook.settings import Settings
    from akosha_hook.state.receipt import Receipt

Part = Literal["bucket", "akosha", "data"]

VARIABLE = "AKOSHA_PIN"
ACCEPT = "accept"
ASK = "akosha-hook sync, typed at a terminal, shows where memories would go and asks."
ASK_AGAIN = "The same command, typed at a terminal, shows where that is and asks."
UNATTENDED = "On a machine that nobody sits at: akosha-hook install --yes."
# Settings whose change may change where memories go, or where they come from.
SETTINGS = (
    "akosha_cloud_bucket",
    "akosha_cloud_endpoint",
    "akosha_http_url",
    "akosha_data_dir",
    "akosha_enable_fallback",
    "akosha_force_method",
)


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that differs from what was confirmed; empty values are none, `origin` as shown."""

    setting: str
    confirmed: str
    now: str
    origin: str

    def __str__(self) -> str:
        now = shown(self.now) if self.now else "empty"
        confirmed = shown(self.confirmed) if self.confirmed else "none"
        return f"{self.setting} is now {now} ({self.origin}), but you confirmed {confirmed}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the settings lead: `pin` if it were confirmed now, and the `parts` that a run uses."""

    pin: Pin
    origins: Mapping[str, Origin]
    parts: frozenset[Part]

    def changes(self, confirmed: Pin) -> tuple[Change, ...]:
        """What differs from `confirmed` in the parts that are used."""
        return tuple(
            Change(setting, before, now, self._origin(setting))
            for setting, part, before, now in (
                ("akosha_cloud_bucket", "bucket", confirmed.bucket, self.pin.bucket),
                ("akosha_cloud_endpoint", "bucket", confirmed.endpoint, self.pin.endpoint),
                ("akosha_http_url", "akosha", confirmed.akosha_url, self.pin.akosha_url),
                ("akosha_data_dir", "data", confirmed.data_directory, self.pin.data_directory),
                (DATABASE_PATH, "data", _joined(confirmed.databases), _joined(self.pin.databases)),
            )
            if part in self.parts and before != now
        )

    def over(self, confirmed: Pin) -> Pin:
        """`confirmed` with the parts that are used replaced."""
        changed: dict[str, object] = {}
        if "bucket" in self.parts:
            changed |= {"bucket": self.pin.bucket, "endpoint": self.pin.endpoint}
        if "akosha" in self.parts:
            changed["akosha_url"] = self.pin.akosha_url
        if "data" in self.parts:
            changed["data_directory"] = self.pin.data_directory
            changed["databases"] = self.pin.databases
        return msgspec.structs.replace(confirmed, **changed)

    def _origin(self, setting: str) -> str:
        origin = self.origins[setting]
        if setting == "akosha_http_url" and origin.layer is Layer.DEFAULT:
            # The server is the default one: what is new is that it is used.
            used_by = ("akosha_force_method", "akosha_enable_fallback")
            named = (self.origins[each] for each in used_by)
            origin = next((each for each in named if each.layer is not Layer.DEFAULT), origin)
        return str(origin)


@dataclass(frozen=True, slots=True)
class Decision:
    """`pin` is what is to be written: now to `pin`, and to `hold` if the user confirms the changes.

    `reason` says why it is held where that is not the changes.
    """

    action: Literal["go", "pin", "hold"]
    pin: Pin
    changes: tuple[Change, ...] = ()
    reason: str = ""

    def error(self, what: str = "uploaded") -> UnconfirmedError:
        """The hold, in words; `what` completes "nothing was"."""
        hint = ASK if what == "uploaded" else ASK_AGAIN
        if self.reason:
            return UnconfirmedError(
                f"Nothing was {what}: {self.reason}.", hint=f"{hint} {UNATTENDED}"
            )
        listed = "; ".join(str(each) for each in self.changes)
        return UnconfirmedError(
            f"Nothing was {what}, since the settings have changed: {listed}.", hint=hint
        )


def decide(
    wanted: Wanted,
    pinned: Pin | Unusable | None,
    before: Pin | None,
    *,
    at_terminal: bool,
    accepts: bool,
    elsewhere: str = "",
) -> Decision:
    """Go on, pin and go on, or hold.

    `before` is what receipts tell where there is no pin. `at_terminal`: a person has typed the
    command. `accepts`: AKOSHA_PIN says that the first destination is the right one. `elsewhere` is
    the state directory where a variable has led to it: a person is asked before the first pin there.
    """
    if isinstance(pinned, Unusable):
        return Decision(
            "hold", wanted.pin, wanted.changes(Pin()), reason=one_line(pinned.reason, 1024)
        )
    known = pinned or before
    if known is None:
        if accepts or (at_terminal and not elsewhere):
            return Decision("pin", wanted.pin)
        reason = f"you have not confirmed yet that memories go to {one_line(str(wanted.pin), 1024)}"
        if elsewhere:
            reason += f", and nothing was ever confirmed in {one_line(elsewhere, 1024)}"
        return Decision("hold", wanted.pin, wanted.changes(Pin()), reason=reason)
    if changes := wanted.changes(known):
        return Decision("hold", wanted.over(known), changes)
    return Decision("go" if pinned else "pin", known)


def look(context: Context, parts: Iterable[Part], *, at_terminal: bool = False) -> Decision:
    """The decision now; nothing is written."""
    wanted = wanted_by(context, parts)
    pinned = pins.look(context.paths)
    before = None if pinned else _remembered(context, wanted)
    elsewhere = str(context.paths.state) if pins.is_elsewhere(context.paths) else ""
    return decide(
        wanted,
        pinned,
        before,
        at_terminal=at_terminal,
        accepts=_accepts(context),
        elsewhere=elsewhere,
    )


def settle(context: Context, parts: Iterable[Part], *, what: str = "uploaded") -> None:
    """Let an unattended run go on, and pin where that is due; raises UnconfirmedError.

    It pins what receipts tell after an upgrade, and where AKOSHA_PIN says so, the first destination.
    """
    pins.read(context.paths)  # a corrupt one is set aside
    decision = look(context, parts)
    if decision.action == "hold":
        error = decision.error(what)
        held.remember(context.paths, error.message)
        raise error
    if decision.action == "pin":
        pins.write(context.paths, decision.pin, by=decision.pin.by or f"{VARIABLE}={ACCEPT}")


def parts_of(methods: Iterable[str]) -> frozenset[Part]:
    """What a sync by these methods uses; the bucket always, lest an unset one goes unnoticed."""
    uses: set[Part] = {"bucket", "data"}
    return frozenset(uses | ({"akosha"} if "http" in methods else set()))


def wanted_by(context: Context, parts: Iterable[Part]) -> Wanted:
    settings, parts = context.settings, frozenset(parts)
    akosha = "akosha" in parts or _uses_akosha(settings)
    bucket = settings.akosha_cloud_bucket
    pin = Pin(
        endpoint=_endpoint(settings) if bucket else "",
        bucket=bucket,
        akosha_url=_server(settings.akosha_http_url) if akosha else "",
        data_directory=str(data_directory(settings, context.paths)),
        databases=tuple(str(each.path) for each in context.loaded.outside),
    )
    default = Origin(Layer.DEFAULT, None, None, DATABASE_PATH)
    located = next((each.origin for each in context.loaded.outside), default)
    return Wanted(pin, {**context.loaded.origins, DATABASE_PATH: located}, parts)


def _uses_akosha(settings: Settings) -> bool:
    method = settings.akosha_force_method
    return method == "http" or (method == "auto" and settings.akosha_enable_fallback)


def _endpoint(settings: Settings) -> str:
    """The server that the settings name, in one spelling; AWS in China is another one."""
    url = settings.akosha_cloud_endpoint
    server = _server(url or endpoint.AWS_ENDPOINT)
    in_china = settings.akosha_cloud_region.startswith("cn-")
    return f"{server}.cn" if in_china and server.endswith(".amazonaws.com") else server


def _server(url: str) -> str:
    """`url` in one spelling, without Akosha's `/mcp`."""
    with contextlib.suppress(SettingsError):
        server = endpoint.parse(url.rstrip("/").removesuffix("/mcp"))
        return f"{'https' if server.secure else 'http'}://{server.netloc}"
    return url


def _accepts(context: Context) -> bool:
    """Whether AKOSHA_PIN counts: not for another state directory than the user's, who has a pin."""
    return context.environ.get(VARIABLE) == ACCEPT and not pins.has_other(context.paths)


def remembered(context: Context) -> Pin | None:
    """What receipts tell of where memories went, of a version that had no pin."""
    return _remembered(context, wanted_by(context, ()))


def _remembered(context: Context, wanted: Wanted) -> Pin | None:
    """What the last successful uploads used, of a version that had no pin; None without any.

    Receipts do not say where the databases were: where that version finds them with these settings,
    if those are there that the last one names. What only later versions follow is not confirmed.
    """
    source = data_directory_of_0_1(context.environ, context.paths)
    done = [each for each in Receipts(context.paths).newest_first() if each.success]
    if pins.is_elsewhere(context.paths):
        done = [each for each in done if _was_made_here(source, each)]
    if not done:
        return None
    cloud = next((each.destination for each in done if each.method == "cloud"), None)
    http = next((each.destination for each in done if each.method == "http"), None)
    return Pin(
        bucket=cloud.bucket if cloud else "",
        endpoint=_server(cloud.endpoint or endpoint.AWS_ENDPOINT) if cloud else "",
        akosha_url=_server(http.endpoint) if http else _akosha_url(wanted),
        data_directory=str(source) if _are_in(source, done[0]) else "",
        by="upgrade",
    )


def _akosha_url(wanted: Wanted) -> str:
    """The server to fall back to, that was never needed: one that a file names, else the default."""
    # Those that 0.1.0 reads.
    if wanted.origins["akosha_http_url"].layer in {Layer.USER, Layer.LOCAL, Layer.BASE}:
        return wanted.pin.akosha_url
    return _server(str(table()["akosha_http_url"].default)) if wanted.pin.akosha_url else ""


def _are_in(source: Path, receipt: Receipt) -> bool:
    names = {each.database for each in receipt.files} | set(receipt.files_unchanged)
    return all((source / name).is_file() for name in names)


def _was_made_here(source: Path, receipt: Receipt) -> bool:
    """Whether it tells of the very files in `source`: an inode is known to no author of a clone."""
    known = [
        (each.name, each.fingerprint)
        for each in receipt.files
        if each.fingerprint and each.name == each.database
    ]
    with contextlib.suppress(OSError):
        return bool(known) and all(
            (source / name).stat().st_ino == fingerprint.inode for name, fingerprint in known
        )
    return False


def with_setting(known: Pin, wanted: Wanted, name: str) -> Pin:
    """`known` after the user has typed a new value of the setting `name`, and nothing else.

    What an environment says of other settings is not confirmed by that.
    """
    if name == "akosha_data_dir":
        return _with_directory(known, wanted.pin)
    if name in {"akosha_cloud_bucket", "akosha_cloud_endpoint"}:
        if name == "akosha_cloud_bucket":
            known = msgspec.structs.replace(known, bucket=wanted.pin.bucket)
        if not known.bucket:
            return msgspec.structs.replace(known, endpoint="")
        if name == "akosha_cloud_endpoint" or not known.endpoint:
            told = _told(wanted, "akosha_cloud_endpoint", wanted.pin.endpoint)
            return msgspec.structs.replace(known, endpoint=told or _server(endpoint.AWS_ENDPOINT))
        return known
    if name == "akosha_http_url" or not known.akosha_url:
        told = _told(wanted, "akosha_http_url", wanted.pin.akosha_url)
        return msgspec.structs.replace(known, akosha_url=told or known.akosha_url)
    return known


def _with_directory(known: Pin, now: Pin) -> Pin:
    """`known` with another data directory: what lies outside it now must have been confirmed before."""
    databases = tuple(
        each
        for each in now.databases
        if each in known.databases or str(Path(each).parent) == known.data_directory
    )
    return msgspec.structs.replace(known, data_directory=now.data_directory, databases=databases)


def _joined(paths: Iterable[str]) -> str:
    return ", ".join(paths)


def _told(wanted: Wanted, name: str, value: str) -> str:
    """`value`, where no environment says so."""
    elsewhere = {Layer.ENVIRONMENT, Layer.COMMAND_LINE}
    return "" if wanted.origins[name].layer in elsewhere else value
