"""Loading settings: layers of candidates become one `Settings`, with the origin of each value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from akosha_hook.errors import SettingsError
from akosha_hook.settings import layers, spellings
from akosha_hook.settings.derived import MIN_PART_MB
from akosha_hook.settings.fields import Settings
from akosha_hook.settings.origin import Candidate, Content, Layer, Origin
from akosha_hook.settings.outside import OutsideDatabase, hidden, outside
from akosha_hook.settings.rules import DEPENDENT, Given, check, is_placeholder
from akosha_hook.settings.table import DATA_DIR, DATABASE_PATH, table
from akosha_hook.settings.values import RejectedError, from_native, from_text
from akosha_hook.settings.wording import shown
from akosha_hook.util.net import is_loopback
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from akosha_hook.paths import Paths


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with every layer applied.

    `problems` are values that cannot be used: their fields have the next layer's value. `unsafe`
    names the fields among them that decide where memories go, which of them, or whether: nothing
    is uploaded then. `notes` are values that have a somewhat different effect. `outside` are
    databases that are configured outside the data directory.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unsafe: frozenset[str] = frozenset()
    outside: tuple[OutsideDatabase, ...] = ()


@dataclass(slots=True)
class _Fold:
    """The values decided on so far."""

    home: Path
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unsafe: set[str] = field(default_factory=set)

    def usable(self, candidate: Candidate) -> Any:
        """Its value; raises RejectedError."""
        read = from_text if candidate.textual else from_native
        value = read(candidate.field, candidate.value)
        return check(candidate.field.name, value, Given(self.values, self.home))

    def settle(self, name: str, candidates: Iterable[Candidate]) -> None:
        """The first usable value; a bad one is a problem above it and a warning below it."""
        said: dict[Layer, tuple[Origin, Any]] = {}
        for candidate in candidates:
            try:
                value = self.usable(candidate)
            except RejectedError as error:
                problem = _rejection(candidate, error)
                if name in self.values:
                    self.warnings.append(f"{problem}; {self.origins[name]} overrides it")
                else:
                    self.problems.append(problem)
                    self.unsafe.add(name)
                continue
            self._compare(candidate.origin, value, said)
            if name not in self.values:
                self.values[name] = value
                self.origins[name] = candidate.origin
        if name not in self.values:
            self.values[name] = table()[name].default
            self.origins[name] = Origin(Layer.DEFAULT, None, None, name)

    def follow(self, candidates: Iterable[Candidate], otherwise: str) -> tuple[Any, Origin] | None:
        """The first usable value of a setting of Session-Buddy's, a bad one being only a warning.

        `otherwise` says what becomes of a bad one.
        """
        found: tuple[Any, Origin] | None = None
        said: dict[Layer, tuple[Origin, Any]] = {}
        for candidate in candidates:
            try:
                value = self.usable(candidate)
            except RejectedError as error:
                if found is None:
                    self.warnings.append(f"{_rejection(candidate, error)}; {otherwise}")
                continue
            self._compare(candidate.origin, value, said)
            found = found or (value, candidate.origin)
        return found

    def _compare(self, origin: Origin, value: Any, said: dict[Layer, tuple[Origin, Any]]) -> None:
        """Warn where one layer says two things; `said` is what each has said first."""
        first, counts = said.setdefault(origin.layer, (origin, value))
        if counts != value:
            line = f" on line {first.line}" if first.line else ""
            self.warnings.append(
                f"{origin.place}: {origin.name} is {shown(value)}, but {first.name}{line} is "
                f"{shown(counts)}, which counts"
            )


def _rejection(candidate: Candidate, error: RejectedError) -> str:
    where = candidate.origin
    return f"{where.place}: {where.name} is {shown(candidate.value)} but must be {error}"


def load(
    environ: Mapping[str, str], paths: Paths, overrides: Mapping[str, object] | None = None
) -> Loaded:
    """Settings from every layer; whatever is wrong with them is in the result, never raised.

    `overrides` are command-line options by field name; None is not set.
    """
    contents = (
        layers.command_line(overrides or {}),
        layers.environment(environ),
        layers.user_toml(paths.user_toml),
        *(
            layers.yaml_layer(path, layer)
            for path, layer in (
                (paths.config_local_yaml, Layer.CONFIG_LOCAL),
                (paths.config_yaml, Layer.CONFIG),
            )
            if path is not None
        ),
        layers.yaml_layer(paths.local_yaml, Layer.LOCAL),
        layers.yaml_layer(paths.settings_yaml, Layer.BASE),
    )
    return fold(contents, home=_home(environ, paths), data=paths.data)


def data_directory_of_0_1(environ: Mapping[str, str], paths: Paths) -> Path:
    """Where version 0.1.0 finds the databases with these settings.

    It knows flat keys only, and no file but ours and those of Claude Code's directory.
    """
    contents = (
        layers.environment(environ),
        layers.user_toml(paths.user_toml),
        layers.yaml_layer(paths.local_yaml, Layer.LOCAL),
        layers.yaml_layer(paths.settings_yaml, Layer.BASE),
    )
    loaded = fold([_flat(each) for each in contents], home=_home(environ, paths))
    return Path(loaded.settings.akosha_data_dir or paths.data)


def _flat(content: Content) -> Content:
    def flat(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
        return tuple(each for each in candidates if not spellings.is_nested(each.origin.key))

    return replace(content, candidates=flat(content.candidates), followed=flat(content.followed))


def load_strict(
    environ: Mapping[str, str], paths: Paths, overrides: Mapping[str, object] | None = None
) -> Loaded:
    """`load`, or one SettingsError that lists every problem."""
    loaded = load(environ, paths, overrides)
    if loaded.problems:
        problems = [printable(each, keep="") for each in loaded.problems]
        listed = problems[0] if len(problems) == 1 else "\n  " + "\n  ".join(problems)
        raise SettingsError(
            f"The settings cannot be used: {listed}",
            hint="correct what is named above, then: akosha-hook config validate",
            lines=True,
        )
    return loaded


def check_value(name: str, text: str, environ: Mapping[str, str], paths: Paths) -> Any:
    """The value that `text` means for the field `name` beside the other settings in use.

    Raises SettingsError where it cannot be used.
    """
    settings = load(environ, paths).settings
    given = Given({each: getattr(settings, each) for each in table()}, _home(environ, paths))
    try:
        value = from_text(table()[name], text)
        check(name, value, given)
    except RejectedError as error:
        raise SettingsError(f"{name} is {shown(text)} but must be {error}") from error
    return value


def _home(environ: Mapping[str, str], paths: Paths) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else _known_home(paths)


def _known_home(paths: Paths) -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return paths.claude.parent


def fold(contents: Sequence[Content], *, home: Path, data: Path | None = None) -> Loaded:
    """One `Settings` of layers, highest first.

    `data` is the data directory if no setting names one; None leaves out what lies outside it.
    """
    state = _Fold(home)
    for content in contents:
        state.problems.extend(content.problems)
        state.warnings.extend(content.warnings)
    independent = [name for name in table() if name not in DEPENDENT]
    for name in (*independent, *DEPENDENT):
        state.settle(
            name, (each for c in contents for each in c.candidates if each.field.name == name)
        )
    _take_session_buddys_directory(state, contents)
    located = _outside(state, contents, data)
    unknown = any(content.unsafe is None for content in contents)
    unsafe = state.unsafe.union(*(content.unsafe or () for content in contents))
    settings = Settings(**state.values)
    return Loaded(
        settings,
        {name: state.origins[name] for name in table()},
        (*state.warnings, *_cautions(settings, state.origins)),
        tuple(state.problems),
        _notes(settings),
        frozenset(
            table() if unknown else {each for each in unsafe if not table()[each].safe_to_default}
        ),
        located,
    )


def _followed(contents: Sequence[Content], name: str) -> Iterator[Candidate]:
    return (each for c in contents for each in c.followed if each.field.name == name)


def _take_session_buddys_directory(state: _Fold, contents: Sequence[Content]) -> None:
    """Use Session-Buddy's own `data_dir` where ours is empty."""
    if state.values["akosha_data_dir"]:
        return
    found = state.follow(_followed(contents, DATA_DIR), "set akosha_data_dir")
    if found is not None:
        state.values["akosha_data_dir"], state.origins["akosha_data_dir"] = found


def _outside(
    state: _Fold, contents: Sequence[Content], data: Path | None
) -> tuple[OutsideDatabase, ...]:
    """The database that Session-Buddy's own `database_path` names, unless it is where all are."""
    found = state.follow(_followed(contents, DATABASE_PATH), "that database is not backed up")
    if found is None or data is None:
        return ()
    path, origin = found
    directory = Path(state.values["akosha_data_dir"] or data)
    database = outside(
        directory / path, origin, directory=directory, patterns=state.values["akosha_databases"]
    )
    if database is None:
        return ()
    state.warnings.extend(hidden(database, directory))
    return (database,)


def _cautions(settings: Settings, origins: Mapping[str, Origin]) -> list[str]:
    cautions = []
    if is_placeholder(settings.akosha_cloud_endpoint):
        cautions.append(
            f"{origins['akosha_cloud_endpoint'].place}: akosha_cloud_endpoint is "
            f"{shown(settings.akosha_cloud_endpoint)}: put your account's id in place of <...>"
        )
    if settings.akosha_force_method == "cloud" and not settings.akosha_cloud_bucket:
        cautions.append(
            f"{origins['akosha_force_method'].place}: akosha_force_method is cloud, "
            "but akosha_cloud_bucket is empty"
        )
    return cautions


def _notes(settings: Settings) -> tuple[str, ...]:
    notes = []
    if settings.akosha_chunk_size_mb < MIN_PART_MB:
        notes.append(
            f"akosha_chunk_size_mb is {settings.akosha_chunk_size_mb}: multipart uploads use "
            f"{MIN_PART_MB} MiB, the least S3 takes"
        )
    for name in ("akosha_cloud_endpoint", "akosha_http_url"):
        url = urlsplit(getattr(settings, name))
        if url.scheme == "http" and not is_loopback(url.hostname or ""):
            notes.append(f"{name} is {shown(url.geturl())}: memories travel unencrypted")
    return tuple(notes)
