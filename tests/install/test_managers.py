"""Hook managers get our part in their own configuration, and run it; everything else stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.install import git as install_git_module
from akosha_hook.install import installer, managers
from akosha_hook.install.places import Place, installed_places
from akosha_hook.install.plan import PlanError
from tests.support.installing import (
    calls,
    commit,
    git,
    install_git,
    record_calls,
    repository,
    tree,
    uninstall,
)

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

TOOLS = Path(sys.executable).parent

PRE_COMMIT = """\
# What everybody runs.
default_stages: [pre-commit]  # not at every stage

repos:
  - repo: local
    hooks:
      - id: theirs   # a comment
        name: "theirs"
        language: system
        entry: 'true'
        always_run: true
        pass_filenames: false

# The end.
"""
LEFTHOOK = """\
# What everybody runs.
pre-commit:
    parallel: true
    jobs:
        - name: "theirs"   # a comment
          run: 'true'

post-merge:
    jobs:
        - run: 'true'
"""
LEFTHOOK_JSON = '{\n  "post-commit": { "commands": {"theirs": {"run": "true"}} }\n}\n'


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose hooks find the managers' programs, as in an activated environment."""
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    return repository(tmp_path / "repo")


def tool(directory: Path, *command: str) -> None:
    program = TOOLS / command[0]
    subprocess.run([program, *command[1:]], cwd=directory, check=True, capture_output=True)


def type_next_step(repo: Path) -> None:
    """What install says to type next."""
    result = install_git_module.find(repo)
    manager = managers.in_use(result)
    assert manager is not None
    step = managers.next_step(manager, result.hooks)
    if step is not None:
        tool(repo, *step.split())


def only_place(paths: Paths, repo: Path) -> Place:
    [place] = installed_places(paths, os.environ, repo)
    return place


def husky(repo: Path) -> None:
    """What husky 9.1 leaves after `npx husky`: its hooks directory and `core.hooksPath`."""
    generated = repo / ".husky" / "_"
    generated.mkdir(parents=True)
    (generated / ".gitignore").write_text("*")
    (generated / "h").write_text(
        '#!/usr/bin/env sh\n[ "$HUSKY" = "2" ] && set -x\nn=$(basename "$0")\n'
        's=$(dirname "$(dirname "$0")")/$n\n\n[ ! -f "$s" ] && exit 0\n\n'
        '[ "${HUSKY-}" = "0" ] && exit 0\n\nexport PATH="node_modules/.bin:$PATH"\n'
        'sh -e "$s" "$@"\nc=$?\n\nexit $c\n'
    )
    for name in ("pre-commit", "post-commit", "post-merge", "post-rewrite", "post-checkout"):
        (generated / name).write_text('#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
        (generated / name).chmod(0o755)
    git(repo, "config", "core.hooksPath", ".husky/_")


def arm(name: str, repo: Path) -> Path:
    """Let `name` be in use in `repo`; its configuration."""
    if name == "husky":
        husky(repo)
        (repo / ".husky" / "post-commit").write_text("touch theirs\nfalse\n")
        return repo / ".husky" / "post-commit"
    if name.startswith("lefthook"):
        config = repo / name
        config.write_text(LEFTHOOK_JSON if name.endswith("json") else LEFTHOOK)
        tool(repo, "lefthook", "install")
        return config
    config = repo / ".pre-commit-config.yaml"
    config.write_text(PRE_COMMIT)
    tool(repo, name, "install")
    return config


ALL = ["husky", "pre-commit", "prek", "lefthook.yml", "lefthook-local.yml", "lefthook.json"]


@pytest.mark.parametrize("name", ALL)
def test_the_manager_runs_us(name: str, paths: Paths, repo: Path) -> None:
    """Once armed as install says, for every event; and it says so itself until then."""
    arm(name, repo)
    install_git(paths, repo)
    record_calls(paths)
    if name != "husky":
        place = only_place(paths, repo)
        assert place.state == "broken"
        assert "post-commit" in place.detail or "post-rewrite" in place.detail
        tool(repo, *place.fix.split())
    assert only_place(paths, repo).state == "working"
    commit(repo)
    git(repo, "checkout", "--quiet", "-b", "other", "HEAD~1")
    git(repo, "merge", "--quiet", "--ff-only", "main")
    commit(repo, "again", "--amend")
    events = [line.split()[0] for line in calls(paths)]
    assert events[0] == events[2] == "post-commit"
    # pre-commit tells its hooks of a rewrite, but nothing that marks every merge.
    assert events[1] in {"post-merge", "post-commit"}
    assert calls(paths)[3] == "post-rewrite amend"


@pytest.mark.parametrize("name", ALL)
def test_their_file_keeps_every_line_and_comes_back(name: str, paths: Paths, repo: Path) -> None:
    config = arm(name, repo)
    before = tree(repo)
    theirs = config.read_text().splitlines()
    install_git(paths, repo)
    install_git(paths, repo)
    after = config.read_text()
    if not name.endswith("json"):
        lines = iter(after.splitlines())
        assert all(line in lines for line in theirs)
    assert str(paths.claude) not in after
    uninstall(paths)
    assert tree(repo) == before


@pytest.mark.parametrize("name", ALL)
def test_what_they_changed_since_stays(name: str, paths: Paths, repo: Path) -> None:
    config = arm(name, repo)
    original = config.read_text()
    install_git(paths, repo)
    if name.endswith("json"):
        config.write_text(config.read_text().replace('"run": "true"', '"run": "false"'))
        expected = original.replace('"run": "true"', '"run": "false"')
    else:
        config.write_text("# New.\n" + config.read_text())
        expected = "# New.\n" + original
    uninstall(paths)
    assert config.read_text() == expected


@pytest.mark.parametrize("name", ["pre-commit", "prek", "lefthook-local.yml"])
def test_uninstall_says_how_to_disarm_what_only_we_needed(
    name: str, paths: Paths, repo: Path
) -> None:
    arm(name, repo)
    before = {path.name for path in (repo / ".git" / "hooks").iterdir()}
    install_git(paths, repo)
    type_next_step(repo)
    [step] = uninstall(paths).next_steps
    subprocess.run(["sh", "-c", step], check=True, capture_output=True)
    left = {path.name for path in (repo / ".git" / "hooks").iterdir()} - before
    # LEFTHOOK has a post-merge job of its own.
    assert left <= {"post-merge"} if name.startswith("lefthook") else not left


def test_a_failing_script_of_theirs_does_not_keep_us_from_running(paths: Paths, repo: Path) -> None:
    """husky runs scripts with `sh -e`; ours stands first and never fails."""
    arm("husky", repo)
    install_git(paths, repo)
    record_calls(paths)
    commit(repo)
    assert calls(paths) == ["post-commit"]
    assert (repo / "theirs").exists()


@pytest.mark.parametrize("name", ["husky", "pre-commit", "lefthook.yml"])
def test_teammates_without_akosha_hook_notice_nothing(
    name: str, paths: Paths, repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arm(name, repo)
    install_git(paths, repo)
    record_calls(paths)
    type_next_step(repo)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    commit(repo)
    assert calls(paths) == []


@pytest.mark.parametrize("name", ["pre-commit", "prek", "lefthook.yml"])
def test_a_manager_that_is_not_armed_here_is_not_waited_for(
    name: str, paths: Paths, repo: Path
) -> None:
    """Git's own hooks it is then; pre-commit keeps them when it is armed later."""
    config = arm(name, repo)
    for path in (repo / ".git" / "hooks").iterdir():
        path.unlink()
    before = config.read_text()
    install_git(paths, repo)
    record_calls(paths)
    commit(repo)
    assert calls(paths) == ["post-commit"]
    assert config.read_text() == before


@pytest.mark.parametrize("name", ["pre-commit", "prek"])
def test_a_manager_armed_over_our_hooks_still_runs_them(
    name: str, paths: Paths, repo: Path
) -> None:
    """And uninstall finds them where it moved them."""
    install_git(paths, repo)
    record_calls(paths)
    (repo / ".pre-commit-config.yaml").write_text(PRE_COMMIT)
    types = [f"--hook-type={event}" for event in ("post-commit", "post-merge", "post-rewrite")]
    tool(repo, name, "install", *types)
    commit(repo)
    assert calls(paths) == ["post-commit"]
    assert only_place(paths, repo).state == "working"
    uninstall(paths)
    assert not list((repo / ".git" / "hooks").glob("*.legacy"))
    commit(repo)
    assert calls(paths) == ["post-commit"]


def test_lefthook_armed_over_our_hooks_is_noticed(paths: Paths, repo: Path) -> None:
    """It moves them to `.old`, where nobody runs them."""
    install_git(paths, repo)
    (repo / "lefthook.yml").write_text("post-commit:\n  jobs:\n    - run: 'true'\n")
    tool(repo, "lefthook", "install")
    place = only_place(paths, repo)
    assert (place.state, place.fix) == ("broken", "akosha-hook install --git")
    uninstall(paths)
    assert not list((repo / ".git" / "hooks").glob("*.old"))


def test_a_kept_hook_goes_where_the_manager_moved_ours(paths: Paths, repo: Path) -> None:
    hooks = repo / ".git" / "hooks"
    hooks.mkdir()
    (hooks / "post-commit").write_text("#!/bin/sh\ntouch theirs\n")
    (hooks / "post-commit").chmod(0o755)
    install_git(paths, repo)
    (repo / ".pre-commit-config.yaml").write_text(PRE_COMMIT)
    tool(repo, "pre-commit", "install", "--hook-type=post-commit")
    uninstall(paths)
    assert (hooks / "post-commit.legacy").read_text() == "#!/bin/sh\ntouch theirs\n"
    assert not (hooks / "post-commit.before-akosha-hook").exists()
    commit(repo)
    assert (repo / "theirs").exists()


@pytest.mark.parametrize(
    ("file", "text", "part"),
    [
        ("lefthook.toml", "[pre-commit.commands.theirs]\nrun = 'true' # why\n", "post-commit:"),
        ("lefthook.yml", "pre-commit: {commands:   {a: {run: 'true'}}}\n", "post-commit:"),
    ],
)
def test_what_must_not_be_edited_is_printed(
    file: str, text: str, part: str, paths: Paths, repo: Path
) -> None:
    (repo / file).write_text(text)
    tool(repo, "lefthook", "install")
    installation = installer.for_git(paths, repo)
    assert installation.changes == ()
    assert str(repo / file) in installation.next_steps[0]
    assert part in installation.next_steps[0]
    assert (repo / file).read_text() == text


def test_gits_own_hooks_can_be_asked_for(paths: Paths, repo: Path) -> None:
    config = arm("pre-commit", repo)
    before = config.read_text()
    installation = installer.for_git(paths, repo, use_manager=False)
    assert {change.path.name for change in installation.changes} == {
        "post-commit",
        "post-merge",
        "post-rewrite",
    }
    assert config.read_text() == before


def test_a_stanza_that_was_taken_out_again_is_noticed(paths: Paths, repo: Path) -> None:
    config = arm("pre-commit", repo)
    install_git(paths, repo)
    config.write_text(PRE_COMMIT)
    assert "our part is gone" in only_place(paths, repo).detail


def test_a_hook_of_our_own_repository_is_found(paths: Paths, repo: Path) -> None:
    """Written by hand, as the README says, so that no record knows of it."""
    (repo / ".pre-commit-config.yaml").write_text(
        "repos:\n- repo: https://example.org/akosha-hook\n  rev: v1\n  hooks:\n"
        "  - id: akosha-sync\n"
    )
    tool(repo, "pre-commit", "install", "--hook-type=post-commit")
    [place] = installed_places(paths, os.environ, repo)
    assert (place.kind, place.state) == ("pre-commit", "broken")
    assert "post-merge, post-rewrite" in place.detail


def test_a_hook_of_our_own_repository_is_not_added_again(paths: Paths, repo: Path) -> None:
    """Written by a team, as the README says: then nothing is left for `install` to write."""
    config = repo / ".pre-commit-config.yaml"
    config.write_text(
        "default_install_hook_types: [pre-commit, post-commit, post-merge, post-rewrite]\n"
        "repos:\n  - repo: https://example.org/akosha-hook\n    rev: v1\n    hooks:\n"
        "      - id: akosha-sync # after commits\n"
    )
    before = config.read_bytes()
    tool(repo, "pre-commit", "install")
    install_git(paths, repo)
    assert config.read_bytes() == before
    place = only_place(paths, repo)
    assert (place.kind, place.state) == ("pre-commit", "working")
    uninstall(paths)
    assert config.read_bytes() == before


@pytest.mark.parametrize("name", ["husky", "pre-commit", "lefthook.yml"])
def test_a_link_out_of_the_repository_is_not_followed(
    name: str, paths: Paths, repo: Path, tmp_path: Path
) -> None:
    """A clone may hold any link: what it leads to would be read into the clone, and recorded."""
    config = arm(name, repo)
    private = tmp_path / "private"
    private.write_bytes(config.read_bytes())
    config.unlink()
    config.symlink_to(private)
    before = tree(repo)
    with pytest.raises(PlanError, match="leads out of the repository"):
        install_git(paths, repo)
    assert tree(repo) == before


def test_a_folder_that_leads_out_of_the_repository_is_not_written_to(
    paths: Paths, repo: Path, tmp_path: Path
) -> None:
    arm("lefthook.yml", repo)
    private = tmp_path / "private"
    private.mkdir()
    (repo / "lefthook.yml").rename(private / "lefthook.yml")
    (repo / ".config").symlink_to(private)
    with pytest.raises(PlanError, match="leads out of the repository"):
        install_git(paths, repo)
    assert (private / "lefthook.yml").read_text() == LEFTHOOK


def test_a_link_within_the_repository_is_fine(paths: Paths, repo: Path) -> None:
    config = arm("pre-commit", repo)
    config.rename(repo / "shared.yaml")
    config.symlink_to("shared.yaml")
    install_git(paths, repo)
    assert b"akosha-sync" in config.read_bytes()


@pytest.mark.parametrize(
    ("name", "broken"), [("lefthook.yml", "a: [\n"), ("lefthook.json", '{"a": 1, "a": 2}')]
)
def test_a_configuration_broken_since_is_named_and_left_alone(
    name: str, broken: str, paths: Paths, repo: Path
) -> None:
    config = arm(name, repo)
    install_git(paths, repo)
    config.write_text(broken)
    [error] = uninstall(paths, repo).left
    assert error.message.startswith(f"{config} ")
    assert error.message.endswith(", so it was left alone.")
    assert config.read_text() == broken
