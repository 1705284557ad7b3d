"""Session-Buddy's own sync beside ours."""

from __future__ import annotations

import pytest

from akosha_hook.doctor import session_buddy
from akosha_hook.doctor.finding import Finding
from akosha_hook.paths import Paths
from tests.support.findings import context_of
from tests.support.home import Home

ENDPOINT = "https://storage.test"


@pytest.fixture
def at_home(paths: Paths) -> Home:
    home = Home(paths)
    home.configure()
    return home


def findings(home: Home) -> list[Finding]:
    return list(session_buddy.findings(context_of(home)))


def write(home: Home, text: str) -> None:
    """Into the settings that Session-Buddy reads."""
    assert home.paths.session_buddy is not None
    home.paths.session_buddy.mkdir(parents=True, exist_ok=True)
    (home.paths.session_buddy / "config.yaml").write_text(text)


def test_nothing_is_said_where_only_we_have_the_bucket(at_home: Home) -> None:
    assert findings(at_home) == []
    at_home.configure(akosha_cloud_bucket="memories", akosha_cloud_endpoint=ENDPOINT)
    assert findings(at_home) == []
    at_home.paths.user_toml.parent.mkdir(parents=True, exist_ok=True)
    at_home.paths.user_toml.write_text('akosha_cloud_bucket = "memories"\n')
    assert findings(at_home) == []


@pytest.mark.parametrize(
    "name",
    ["SESSION_BUDDY_AKOSHA_CLOUD_BUCKET", "SESSION_BUDDY_CLOUD_SYNC__CLOUD_BUCKET"],
)
def test_a_bucket_in_the_environment(
    at_home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "memories")
    (found,) = findings(at_home)
    assert found.state == "warning"
    assert f"it reads {name} too" in found.detail
    assert found.fix == (
        "akosha-hook config set akosha_cloud_bucket memories, then take "
        f"{name} out of the environment"
    )


def test_a_bucket_in_its_settings_and_that_its_fallback_posts_memories(at_home: Home) -> None:
    write(at_home, f"cloud_sync:\n  cloud_bucket: memories\n  cloud_endpoint: {ENDPOINT}\n")
    (found,) = findings(at_home)
    assert found.detail.endswith(f"; then it posts memories to {ENDPOINT}")
    assert "set upload_on_session_end to false below cloud_sync in " in found.fix
    assert "akosha-hook config set akosha_upload_on_session_end true" in found.fix
    write(
        at_home,
        "cloud_sync:\n  cloud_bucket: memories\n  enable_fallback: false\n"
        f"  cloud_endpoint: {ENDPOINT}\n",
    )
    (found,) = findings(at_home)
    assert ENDPOINT not in found.detail


def test_what_it_says_to_set_ends_the_warning_and_leaves_ours_on(at_home: Home) -> None:
    write(at_home, "cloud_sync:\n  cloud_bucket: memories\n  upload_on_session_end: false\n")
    assert context_of(at_home).settings.akosha_upload_on_session_end is False
    done = at_home.akosha_hook("config", "set", "akosha_upload_on_session_end", "true")
    assert done.returncode == 0, done.stderr
    assert findings(at_home) == []
    assert context_of(at_home).settings.akosha_upload_on_session_end is True
    # Only what it reads itself switches it off.
    write(at_home, "cloud_sync:\n  cloud_bucket: memories\n")
    at_home.configure(akosha_upload_on_session_end=False)
    assert len(findings(at_home)) == 1
