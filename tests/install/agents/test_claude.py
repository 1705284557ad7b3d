"""Claude Code's settings files keep everything that is not ours, and give it back."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akosha_hook.install import installer
from akosha_hook.install.agents import claude
from akosha_hook.install.plan import PlanError
from akosha_hook.paths import Paths
from tests.install.test_json_text import LAYOUTS, SCALARS, VALUES
from tests.support.installing import install_claude, install_git, repository, tree, uninstall

FOREIGN: dict[str, Any] = {
    "model": "opus",
    "hooks": {
        "SessionEnd": [
            {"matcher": "other", "hooks": [{"type": "command", "command": "notify done"}]}
        ],
        "Stop": [{"hooks": [{"type": "command", "command": "lint", "timeout": 30}]}],
    },
    "permissions": {"allow": ["Bash(ls:*)", "Read"]},
}


def commands(path: Path, event: str) -> list[str]:
    groups = json.loads(path.read_text(encoding="utf-8-sig"))["hooks"][event]
    return [entry["command"] for group in groups for entry in group["hooks"]]


def write(paths: Paths, text: str | bytes) -> Path:
    paths.claude.mkdir(parents=True, exist_ok=True)
    data = text.encode() if isinstance(text, str) else text
    paths.claude_settings.write_bytes(data)
    return paths.claude_settings


def test_entries_are_as_claude_code_wants_them(paths: Paths) -> None:
    """The script's quoted path, a timeout in seconds, and no start but a real one."""
    install_claude(paths)
    assert json.loads(paths.claude_settings.read_text()) == {
        "hooks": {
            "SessionEnd": [
                {
                    "hooks": [
                        {
                            "type": "command",
                            "command": f'"{paths.hook_script}" session-end',
                            "timeout": 10,
                        }
                    ]
                }
            ],
            "SessionStart": [
                {
                    "matcher": "startup|resume",
                    "hooks": [
                        {
                            "type": "command",
                            "command": f'"{paths.hook_script}" session-start',
                            "timeout": 10,
                        }
                    ],
                }
            ],
        }
    }


def test_foreign_hooks_of_the_same_event_stay_first(paths: Paths) -> None:
    path = write(paths, json.dumps(FOREIGN, indent=2))
    install_claude(paths)
    assert commands(path, "SessionEnd") == ["notify done", f'"{paths.hook_script}" session-end']
    after = json.loads(path.read_text())
    assert list(after) == list(FOREIGN)
    assert after["hooks"]["Stop"] == FOREIGN["hooks"]["Stop"]


def test_installing_again_changes_nothing(paths: Paths) -> None:
    write(paths, json.dumps(FOREIGN, indent=4))
    install_claude(paths)
    before = tree(paths.claude)
    install_claude(paths)
    assert tree(paths.claude) == before


FOREIGN_SCALARS = SCALARS.filter(lambda value: not claude.is_ours(value))
HOOK_GROUPS = st.lists(
    st.fixed_dictionaries(
        {
            "hooks": st.lists(
                st.dictionaries(st.sampled_from(["type", "command", "x"]), FOREIGN_SCALARS)
            )
        },
        optional={"matcher": SCALARS, "extra": VALUES},
    )
    | VALUES,
    max_size=3,
)
SETTINGS = st.dictionaries(
    st.text() | st.sampled_from(["model", "env"]), VALUES, max_size=3
).flatmap(
    lambda rest: st.one_of(
        st.just(rest),
        st.dictionaries(
            st.sampled_from(["SessionEnd", "SessionStart", "Stop"]), HOOK_GROUPS, max_size=3
        ).map(lambda hooks: {**rest, "hooks": hooks}),
    )
)


def _as_claude_writes(value: Any) -> str:
    """What Claude Code leaves of a file when it rewrites it: known keys of entries, two spaces."""
    known = {"type", "command", "timeout", "async", "once"}
    document = json.loads(json.dumps(value))
    hooks = document.get("hooks")
    for groups in hooks.values() if isinstance(hooks, dict) else ():
        for group in groups if isinstance(groups, list) else ():
            if isinstance(group, dict) and isinstance(group.get("hooks"), list):
                for name in set(group) - {"matcher", "hooks"}:
                    del group[name]
                for entry in group["hooks"]:
                    if isinstance(entry, dict):
                        for name in set(entry) - known:
                            del entry[name]
    return json.dumps(dict(sorted(document.items())), indent=2, ensure_ascii=False) + "\n"


@settings(max_examples=40, deadline=None)
@given(
    document=SETTINGS, layout=LAYOUTS, crlf=st.booleans(), mark=st.booleans(), end=st.text(" \n")
)
def test_uninstall_gives_back_the_same_bytes(
    document: dict[str, Any], layout: dict[str, Any], crlf: bool, mark: bool, end: str
) -> None:
    text = json.dumps(document, **layout) + end
    data = b"\xef\xbb\xbf" * mark + text.replace("\n", "\r\n" if crlf else "\n").encode()
    with tempfile.TemporaryDirectory() as directory:
        paths = Paths.from_environment({"CLAUDE_CONFIG_DIR": directory})
        path = write(paths, data)
        install_claude(paths)
        install_claude(paths)
        ours = b"/akosha/bin/akosha-hook.sh"
        assert path.read_bytes().count(ours) == data.count(ours) + 2
        uninstall(paths)
        assert path.read_bytes() == data
        assert [each.name for each in paths.claude.iterdir()] == ["settings.json"]


@settings(max_examples=40, deadline=None)
@given(document=SETTINGS, layout=LAYOUTS)
def test_uninstall_after_claude_rewrote_the_file_leaves_what_claude_wrote(
    document: dict[str, Any], layout: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        paths = Paths.from_environment({"CLAUDE_CONFIG_DIR": directory})
        path = write(paths, json.dumps(document, **layout))
        install_claude(paths)
        path.write_text(_as_claude_writes(json.loads(path.read_bytes())), encoding="utf-8")
        uninstall(paths)
        assert path.read_text(encoding="utf-8") == _as_claude_writes(document)


def test_no_second_copy_of_a_secret_is_kept(paths: Paths) -> None:
    """Claude Code's settings may hold keys; the record needs none of them to restore the file."""
    text = json.dumps({"env": {"ANTHROPIC_API_KEY": "canary"}, **FOREIGN}, indent=2)
    path = write(paths, text)
    install_claude(paths)
    entries = json.loads(paths.install.read_text())["entries"]
    kept = [base64.b64decode(entry["before"]["data"]) for entry in entries if entry["before"]]
    assert kept
    assert not any(b"canary" in data for data in kept)
    uninstall(paths)
    assert path.read_text() == text


def test_without_its_record_uninstall_finds_what_is_ours(paths: Paths, tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    path = write(paths, json.dumps(FOREIGN, indent=2))
    before = tree(repo)
    install_claude(paths)
    install_claude(paths, "project", repo)
    install_git(paths, repo)
    paths.install.write_text("{ cut in hal")
    uninstall(paths, repo)
    assert path.read_text() == json.dumps(FOREIGN, indent=2)
    assert {k: v for k, v in tree(repo).items() if not k.endswith(("hooks", ".claude"))} == before
    assert not paths.hook_script.exists()


def test_a_file_that_install_made_goes_again(paths: Paths) -> None:
    install_claude(paths)
    uninstall(paths)
    assert not paths.claude.exists()


def test_what_others_wrote_into_the_file_since_stays(paths: Paths) -> None:
    install_claude(paths)
    document = json.loads(paths.claude_settings.read_text())
    document["model"] = "opus"
    document["hooks"]["SessionEnd"][0]["hooks"].append({"type": "command", "command": "theirs"})
    paths.claude_settings.write_text(json.dumps(document, indent=2))
    uninstall(paths)
    assert json.loads(paths.claude_settings.read_text()) == {
        "hooks": {"SessionEnd": [{"hooks": [{"type": "command", "command": "theirs"}]}]},
        "model": "opus",
    }


def test_an_install_after_others_wrote_still_gives_back_what_was_theirs(paths: Paths) -> None:
    write(paths, '{"model": "opus"}')
    install_claude(paths)
    document = json.loads(paths.claude_settings.read_text())
    document["model"] = "haiku"
    del document["hooks"]["SessionStart"]
    paths.claude_settings.write_text(json.dumps(document))
    install_claude(paths)
    uninstall(paths)
    assert json.loads(paths.claude_settings.read_text()) == {"model": "haiku"}


def test_duplicates_collapse_and_older_entries_are_upgraded(paths: Paths) -> None:
    """Entries of another place or form, in milliseconds, or under another event."""
    ours = f'"{paths.hook_script}" session-end'
    old = [
        {"type": "command", "command": "/old/home/.claude/akosha/bin/akosha-hook.sh session-end"},
        {"type": "command", "command": "theirs"},
        {"type": "command", "command": ours, "timeout": 10},
    ]
    path = write(
        paths,
        json.dumps(
            {
                "hooks": {
                    "SessionEnd": [
                        {"hooks": old},
                        {"hooks": [{"type": "command", "command": ours}]},
                    ],
                    "PreCompact": [{"hooks": [{"type": "command", "command": ours}]}],
                    "SessionStart": [
                        {"hooks": [{"command": "akosha-hook run session-start", "timeout": 10_000}]}
                    ],
                }
            }
        ),
    )
    install_claude(paths)
    hooks = json.loads(path.read_text())["hooks"]
    assert commands(path, "SessionEnd") == [ours, "theirs"]
    assert commands(path, "SessionStart") == [f'"{paths.hook_script}" session-start']
    assert hooks["SessionStart"][0]["hooks"][0]["timeout"] == 10
    assert "PreCompact" not in hooks
    uninstall(paths)
    assert commands(path, "SessionEnd") == ["theirs"]


def test_a_timeout_its_owner_chose_stays(paths: Paths) -> None:
    install_claude(paths)
    text = paths.claude_settings.read_text().replace('"timeout": 10', '"timeout": 25')
    paths.claude_settings.write_text(text)
    install_claude(paths)
    assert paths.claude_settings.read_text() == text


@pytest.mark.parametrize(
    "command",
    [
        "wrapper /home/ada/.claude/akosha/bin/akosha-hook.sh session-end",
        "/home/ada/.claude/akosha/bin/akosha-hook.sh session-end --loud",
        "echo akosha-hook run session-end",
        "akosha-hook sync",
        '"unbalanced',
        "akosha-hook run nothing",
    ],
)
def test_a_command_that_only_resembles_ours_is_not_touched(paths: Paths, command: str) -> None:
    entry = {"type": "command", "command": command}
    path = write(paths, json.dumps({"hooks": {"SessionEnd": [{"hooks": [entry]}]}}))
    install_claude(paths)
    assert commands(path, "SessionEnd")[0] == command
    path.write_text(path.read_text() + "\n")
    uninstall(paths)
    assert commands(path, "SessionEnd") == [command]


def test_the_command_survives_any_path(tmp_path: Path) -> None:
    odd = tmp_path / 'a "b" $HOME `c` \\d'
    paths = Paths.from_environment({"CLAUDE_CONFIG_DIR": str(odd)})
    install_claude(paths)
    [command] = commands(paths.claude_settings, "SessionEnd")
    paths.hook_script.write_text("#!/bin/sh\necho $1 >>" + str(tmp_path / "fired"))
    assert os.system(command) == 0
    assert (tmp_path / "fired").read_text() == "session-end\n"
    assert claude.is_ours(command)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{\n  "model": "opus"\n  x}', r"settings\.json is not valid JSON: .*\(line 3, column 3\)"),
        # A trailing comma: Python 3.13 and newer name its place, older ones that of what follows.
        ('{\n  "model": "opus",\n}', r"not valid JSON: .*\(line (2, column 18|3, column 1)\)"),
        ("[]", "the document must be an object"),
        ('{"hooks": []}', "hooks must be an object"),
        ('{"hooks": {"SessionEnd": {}}}', r"hooks\.SessionEnd must be a list"),
    ],
)
def test_a_file_claude_code_would_ignore_is_refused(
    paths: Paths, text: str, complaint: str
) -> None:
    path = write(paths, text)
    with pytest.raises(PlanError, match=complaint):
        install_claude(paths)
    assert path.read_text() == text
    assert not paths.state.exists()


def test_a_file_that_turned_invalid_is_left_alone_by_uninstall(paths: Paths) -> None:
    """The rest goes; the error says so."""
    install_claude(paths)
    paths.claude_settings.write_text("{")
    removal = uninstall(paths)
    assert "not valid JSON" in removal.left[0].message
    assert paths.claude_settings.read_text() == "{"
    assert paths.hook_script.exists()


def test_a_symbolic_link_stays_one_and_the_mode_is_kept(paths: Paths, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    real.chmod(0o640)
    paths.claude.mkdir()
    paths.claude_settings.symlink_to(real)
    install_claude(paths)
    assert paths.claude_settings.is_symlink()
    assert len(commands(real, "SessionEnd")) == 1
    assert real.stat().st_mode & 0o777 == 0o640
    uninstall(paths)
    assert real.read_text() == "{}"


def test_a_read_only_file_is_left_alone(paths: Paths) -> None:
    path = write(paths, "{}")
    path.chmod(0o444)
    with pytest.raises(PlanError, match="read-only"):
        install_claude(paths)
    assert path.read_text() == "{}"


def test_project_and_local_scope_have_files_of_their_own(paths: Paths, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "deep" / "er").mkdir(parents=True)
    install_claude(paths, "project", project / "deep" / "er")
    install_claude(paths, "local", project)
    shared = project / ".claude" / "settings.json"
    assert str(paths.claude) not in shared.read_text()
    assert commands(project / ".claude" / "settings.local.json", "SessionEnd") == [
        f'"{paths.hook_script}" session-end'
    ]
    uninstall(paths)
    assert not (project / ".claude").exists()


def test_a_shared_command_is_silent_where_nothing_is_installed(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project's settings are everybody's who works on it."""
    install_claude(paths, "project", tmp_path)
    [command] = commands(tmp_path / ".claude" / "settings.json", "SessionEnd")
    paths.hook_script.write_text(f"#!/bin/sh\necho $1 >>{tmp_path}/fired")
    assert os.system(command) == 0
    assert (tmp_path / "fired").read_text() == "session-end\n"
    monkeypatch.setenv("HOME", "/nonexistent")
    assert os.system(command) == 0
    assert (tmp_path / "fired").read_text() == "session-end\n"


def test_switched_off_hooks_are_pointed_out(paths: Paths) -> None:
    write(paths, '{"disableAllHooks": true}')
    assert "disableAllHooks" in installer.for_claude(paths, "user", Path("/")).notes[0]


@pytest.mark.parametrize("scope", ["project", "local"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_projects_link_to_a_file_outside_is_not_followed(
    paths: Paths, tmp_path: Path, scope: claude.Scope, exists: bool
) -> None:
    """A clone may hold any link, also one to a file that is not there yet."""
    private, project = tmp_path / "private.json", tmp_path / "project"
    if exists:
        private.write_text("{}")
    named = claude.settings_file(paths, scope, project)
    named.parent.mkdir(parents=True)
    named.symlink_to(private)
    with pytest.raises(PlanError, match="leads out of the repository"):
        install_claude(paths, scope, project)
    assert private.exists() is exists
    assert not exists or private.read_text() == "{}"


def test_a_home_whose_name_is_not_utf8_is_said(tmp_path: Path) -> None:
    """JSON can name no path in it."""
    paths = Paths(claude=tmp_path / "h\udcff" / ".claude", user_toml=tmp_path / "config.toml")
    with pytest.raises(PlanError, match="its path is not UTF-8"):
        claude.change(paths, "user", tmp_path)
