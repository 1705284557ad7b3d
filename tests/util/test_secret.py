"""A secret shows itself to nobody who does not ask for it."""

from __future__ import annotations

import json
import pickle

import pytest

from akosha_hook.util.secret import Secret, without_keys


def test_a_secret_prints_as_stars() -> None:
    secret = Secret("canary")
    assert "canary" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "canary"
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert {Secret("a"), Secret("a")} == {Secret("a")}
    assert not Secret("")


def test_programs_get_no_keys() -> None:
    environ = {"AWS_SECRET_ACCESS_KEY": "x", "MC_HOST_a": "x", "AKOSHA_TOKEN": "x", "PATH": "p"}
    assert without_keys(environ) == {"PATH": "p"}
