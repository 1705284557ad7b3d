"""Asking whoever sits at the terminal before memories go, or come from, somewhere new."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from akosha_hook.errors import SettingsError
from akosha_hook.hook import outbox, spawn
from akosha_hook.state import held, pinning, progress_file
from akosha_hook.state import pin as pins
from akosha_hook.state.pin import Pin, Unusable
from akosha_hook.sync import select
from akosha_hook.util.agents import agent, person_at_terminal
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.context import Context
    from akosha_hook.paths import Paths
    from akosha_hook.state.pinning import Decision, Part

SEND = "Send memories there from now on?"


def confirm_destination(context: Context, methods: Iterable[str], *, by: str) -> None:
    """At a terminal, pin where a sync by `methods` leads, after asking if that has changed.

    Raises UnconfirmedError where the answer is no. Without a terminal nothing is done: the sync
    itself decides.
    """
    if not person_at_terminal(context.environ):
        return
    decision = _decision(context, pinning.parts_of(methods))
    if decision.action == "hold":
        _show(decision)
        if not click.confirm(SEND, default=False, err=True):
            raise decision.error()
    if decision.action != "go":
        _pin(context, decision.pin, by=by)
    _released(context.paths)


def confirm_source(
    context: Context, parts: Iterable[Part], *, by: str, what: str, question: str
) -> None:
    """Before memories are taken from, or deleted in, a place that was not confirmed: ask, or refuse.

    `what` completes "nothing was". A yes counts this once and pins nothing, unless there was no pin
    yet. Raises UnconfirmedError.
    """
    if not person_at_terminal(context.environ):
        pinning.settle(context, parts, what=what)
        return
    decision = _decision(context, parts)
    if decision.action == "pin":
        _pin(context, decision.pin, by=by)
    if decision.action == "hold":
        _show(decision)
        if not click.confirm(question, default=False, err=True):
            raise decision.error(what)


def confirm_setting(context: Context, name: str) -> None:
    """After `config set`: what a person typed at a terminal is confirmed by that."""
    parts = _parts(context)
    if parts is None:
        return
    known = pins.read(context.paths)
    decision = pinning.look(context, parts, at_terminal=person_at_terminal(context.environ))
    confirmed = False
    if person_at_terminal(context.environ) and not _may_be_anybodys(context.paths, known):
        if known is None and decision.action == "hold":
            known = pinning.remembered(context)
        new = decision.pin
        if isinstance(known, Pin):
            new = pinning.with_setting(known, pinning.wanted_by(context, parts), name)
        if new != known:
            pins.write(context.paths, new, by="config set")
            confirmed = True
            go_on(context)
        decision = pinning.look(context, parts)
        if confirmed and decision.action != "hold":
            _say_pinned(context, new)
    if decision.action != "hold":
        return
    if confirmed:
        click.echo(f"You have confirmed {name}; what else applies here is not confirmed:", err=True)
        _show(decision)
    click.echo("Note: memories do not go there before you confirm it.", err=True)
    click.echo(f"Try: {printable(decision.error().hint, keep='')}", err=True)


def _may_be_anybodys(paths: Paths, known: Pin | Unusable | None) -> bool:
    """Whether one setting that was typed is too little: all of them are to be shown and asked about."""
    return isinstance(known, Unusable) or (known is None and pins.is_elsewhere(paths))


def confirm_installation(context: Context, *, yes: bool) -> str:
    """Pin where memories go, as `install` does; what is left for the user to type, if anything.

    `yes` stands for the person where there is no terminal, but not under an agent.
    """
    parts = _parts(context)
    if parts is None or context.loaded.problems:
        return ""
    person = person_at_terminal(context.environ)
    if not person and not (yes and agent(context.environ) is None):
        decision = pinning.look(context, parts)
        if decision.action != "hold":
            return ""
        return f"confirm where memories go. {decision.error().hint}"
    decision = _decision(context, parts)
    if decision.action == "go":
        return ""
    if decision.action == "hold":
        _show(decision)
        if not yes and not click.confirm(SEND, default=False, err=True):
            return f"confirm where memories go. {decision.error().hint}"
    _pin(context, decision.pin, by="install --yes" if yes else "install")
    _released(context.paths)
    go_on(context)
    return ""


def _released(paths: Paths) -> None:
    """What was held is confirmed now, and no failure any more."""
    before = held.last(paths)
    held.clear(paths)
    if before is not None:
        progress_file.forget_error(paths, before.message)


def go_on(context: Context) -> None:
    """Start a worker if events wait: what held them may be over."""
    if outbox.waiting(context.paths):
        spawn.start_worker(context.paths, os.environ)


def _parts(context: Context) -> frozenset[Part] | None:
    """What a sync by the settings uses; None where they name no destination."""
    try:
        return pinning.parts_of(select.destinations(context.settings))
    except SettingsError:
        return None


def _decision(context: Context, parts: Iterable[Part]) -> Decision:
    """The decision for a person; a corrupt pin is set aside."""
    pins.read(context.paths)
    return pinning.look(context, parts, at_terminal=True)


def _pin(context: Context, pin: Pin, *, by: str) -> None:
    """Pin, and say so in one line."""
    pins.write(context.paths, pin, by=by)
    _say_pinned(context, pin)


def _say_pinned(context: Context, pin: Pin) -> None:
    said = f"From now on, memories go to {pin}."
    if not pin.bucket and context.settings.akosha_force_method != "http":
        said = (
            "No bucket is set yet. Until one is, memories only go to the Akosha server "
            f"{pin.akosha_url}, if one runs there, and that is not a backup."
        )
    click.echo(printable(said, keep=""), err=True)


def _show(decision: Decision) -> None:
    """Print why it is held, and each change."""
    if decision.reason:
        click.echo(printable(f"Note: {decision.reason}.", keep=""), err=True)
    for each in decision.changes:
        click.echo(printable(f"Changed: {each}.", keep=""), err=True)
