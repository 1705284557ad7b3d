from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import CredentialsError
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import Credentials, resolve
from akosha_hook.stores.credentials.process import run
from akosha_hook.util.secret import Secret
from tests.support.credentials import ACCESS, KEYS, SECRET, TOKEN, everything_said, revealed, write
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = {"Version": 1, "AccessKeyId": ACCESS, "SecretAccessKey": SECRET}


def script(home: Path, body: str) -> str:
    path = write(home / "bin with space/keys", f"#!{sys.executable}\n{body}\n", 0o700)
    return f'"{path}"'


def answering(home: Path, **more: object) -> str:
    return script(home, f"print({json.dumps(json.dumps({**ANSWER, **more}))})")


def started(home: Path, command: str, **environ: str) -> Credentials:
    write(home / ".aws/config", f"[profile work]\ncredential_process = {command}\n")
    return resolve(Settings(akosha_aws_profile="work"), environ, home=home)


def test_its_answer_is_used(home: Path) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    command = answering(home, SessionToken=TOKEN, Expiration=soon.isoformat(), AccountId="1")
    credentials = started(home, command)
    assert revealed(credentials) == (ACCESS, SECRET, TOKEN)
    assert credentials.expires_at == soon
    assert credentials.source == "credential_process of profile work in ~/.aws/config"


def test_no_expiration_and_no_token_are_fine(home: Path) -> None:
    credentials = started(home, answering(home, SessionToken=None))
    assert (credentials.session_token, credentials.expires_at) == (None, None)


def test_it_may_stand_in_the_credentials_file_and_beats_keys_in_config(home: Path) -> None:
    write(home / ".aws/credentials", f"[default]\ncredential_process = {answering(home)}\n")
    write(home / ".aws/config", "[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    credentials = resolve(Settings(), {}, home=home)
    assert credentials.source == "credential_process of profile default in ~/.aws/credentials"


def test_no_shell_is_involved(home: Path) -> None:
    body = "import json,sys; open('args','w').write(json.dumps(sys.argv[1:]))"
    command = script(home, f"{body}\nprint({json.dumps(json.dumps(ANSWER))})")
    started(home, f'{command} $HOME "; touch bad" `touch bad` | cat')
    arguments = json.loads((home / "args").read_text())
    assert arguments == ["$HOME", "; touch bad", "`touch", "bad`", "|", "cat"]
    assert not (home / "bad").exists()


@pytest.fixture
def typed() -> Iterator[None]:
    """Something to read stands on this process's standard input."""
    reader, writer = os.pipe()
    kept = os.dup(0)
    os.write(writer, b"typed")
    os.close(writer)
    os.dup2(reader, 0)
    yield
    os.dup2(kept, 0)
    for descriptor in (reader, kept):
        os.close(descriptor)


def test_it_gets_the_given_environment_and_no_input(home: Path, typed: None) -> None:
    body = "import os,sys; open('seen','w').write(sys.stdin.read() + os.environ['VAULT'])"
    started(home, script(home, f"{body}\nprint({json.dumps(json.dumps(ANSWER))})"), VAULT="v")
    assert (home / "seen").read_text() == "v"


FAILURES = {
    "fails": (
        f"import sys; print('{SECRET}'); sys.stderr.write('{SECRET}'); sys.exit(3)",
        "status 3",
    ),
    "prints text": (f"print('{SECRET}')", "not the JSON"),
    "prints half": (f'print(\'{{"Version": 1, "AccessKeyId": "{ACCESS}"}}\')', "not the JSON"),
    "prints numbers": (f"print('{json.dumps({**ANSWER, 'SecretAccessKey': 5})}')", "not the JSON"),
    "version 2": (f"print('{json.dumps({**ANSWER, 'Version': 2})}')", "not the JSON"),
    "no utf-8": (r"import os; os.write(1, b'\xff{canary}')", "not the JSON"),
    "empty": ("", "not the JSON"),
    "expired": (
        f"print('{json.dumps({**ANSWER, 'Expiration': '2020-01-01T00:00:00Z'})}')",
        "expired",
    ),
    "expired, no zone": (
        f"print('{json.dumps({**ANSWER, 'Expiration': '2020-01-01T00:00:00'})}')",
        "expired",
    ),
    "bad expiration": (
        f"print('{json.dumps({**ANSWER, 'Expiration': 'canary'})}')",
        "not the JSON",
    ),
    "endless": (f"while True: print('{SECRET}' * 1000)", "more than keys take"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_told_without_what_it_printed(home: Path, name: str) -> None:
    body, message = FAILURES[name]
    with pytest.raises(CredentialsError, match=message) as caught:
        started(home, script(home, body))
    output = everything_said(caught.value)
    assert "credential_process of profile work in ~/.aws/config" in output
    assert "canary" not in output
    assert ACCESS not in output


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("/nowhere/canary --token canary", "cannot be run"),
        ("canary-not-on-path", "cannot be run"),
        ("keys 'canary", "not a command"),
    ],
)
def test_a_command_that_cannot_be_run_is_not_quoted(home: Path, command: str, message: str) -> None:
    with pytest.raises(CredentialsError, match=message) as caught:
        started(home, command)
    assert "canary" not in everything_said(caught.value)


def test_one_that_takes_too_long_is_ended_with_its_children(home: Path) -> None:
    body = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("child.new", "w").write(str(child.pid))
os.rename("child.new", "child")
child.wait()
"""
    command = Secret(script(home, body).strip('"').replace(" ", r"\ "))
    # A machine that is busy needs more than a second to start two programs.
    for seconds in (1, 5, 60):
        with pytest.raises(CredentialsError, match=f"did not finish within {seconds} s"):
            run(command, "command", {}, home=home, seconds=seconds)
        if (home / "child").exists():
            break
    child = int((home / "child").read_text())
    until(lambda: gone(child), "the end of the child")


def gone(pid: int) -> bool:
    """Whether the process has ended; its new parent reaps it when it gets to it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_helper_it_leaves_behind_is_not_waited_for(home: Path) -> None:
    """Agents of password managers stay, and keep the pipe open."""
    body = f"""
import os, subprocess, sys
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open("helper", "w").write(str(helper.pid))
print({json.dumps(json.dumps(ANSWER))}, flush=True)
os._exit(0)
"""
    try:
        assert revealed(started(home, script(home, body)))[0] == ACCESS
    finally:
        os.kill(int((home / "helper").read_text()), 9)


def test_it_is_not_run_from_a_file_anyone_can_change(home: Path) -> None:
    path = write(
        home / ".aws/config", f"[default]\ncredential_process = {answering(home)}\n", 0o666
    )
    with pytest.raises(CredentialsError, match="anyone on this machine"):
        resolve(Settings(), {}, home=home)
    path.chmod(0o644)
    assert revealed(resolve(Settings(), {}, home=home))[0] == ACCESS


def test_it_is_not_run_where_the_environment_has_keys(home: Path) -> None:
    write(
        home / ".aws/config",
        f"[default]\ncredential_process = {script(home, 'open(chr(120),chr(119))')}\n{KEYS}",
    )
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert resolve(Settings(), environ, home=home).source == "environment"
    assert not (home / "x").exists()


@pytest.mark.parametrize("command", ["./keys", "bin/keys --x", "~/keys", "../keys"])
def test_a_program_named_by_a_relative_path_is_not_run(home: Path, command: str) -> None:
    """It would be another program in each directory."""
    for name in ("keys", "bin/keys"):
        write(home / name, f"#!{sys.executable}\nopen({str(home / 'ran')!r}, 'w')\n", 0o700)
    with pytest.raises(CredentialsError, match="relative path") as caught:
        started(home, command)
    assert "full path" in str(caught.value)
    assert not (home / "ran").exists()
