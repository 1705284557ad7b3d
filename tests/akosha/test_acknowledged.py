from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.akosha.acknowledged import forget, opened, path_of
from akosha_hook.paths import Paths

URL = "http://localhost:8682"
IDS = [n.to_bytes(16, "big") for n in range(3000)]


def remember(paths: Paths, ids: list[bytes], url: str = URL) -> None:
    with opened(paths, url) as acknowledged:
        acknowledged.remember(ids)
        assert acknowledged.problem == ""


def known(paths: Paths, ids: list[bytes] = IDS, url: str = URL) -> set[bytes]:
    with opened(paths, url) as acknowledged:
        return acknowledged.known(ids)


def test_ids_that_were_remembered_are_known(paths: Paths) -> None:
    assert known(paths) == set()
    remember(paths, IDS[:1000])
    remember(paths, IDS[900:1500])
    assert known(paths) == set(IDS[:1500])
    assert known(paths, IDS[1400:1600]) == set(IDS[1400:1500])


def test_every_server_has_its_own_list(paths: Paths) -> None:
    remember(paths, IDS[:5])
    assert known(paths, url="http://localhost:8683") == set()
    assert known(paths, url=URL + "/mcp") == set(IDS[:5])


def test_a_list_can_be_forgotten(paths: Paths) -> None:
    forget(paths, URL)
    remember(paths, IDS[:5])
    remember(paths, IDS[:5], "http://other:8682")
    forget(paths, URL + "/mcp/")
    assert known(paths) == set()
    assert known(paths, url="http://other:8682") == set(IDS[:5])


def test_under_which_ids_contents_were_sent_outlives_that_the_rows_are_forgotten(
    paths: Paths,
) -> None:
    contents = {id_[::-1]: id_ for id_ in IDS}
    with opened(paths, URL) as acknowledged:
        acknowledged.remember(IDS, contents)
        assert acknowledged.ids_of(list(contents)) == contents
        assert acknowledged.ids_of([b"x"]) == {}
    forget(paths, URL)
    with opened(paths, URL) as acknowledged:
        assert acknowledged.known(IDS) == set()
        assert acknowledged.ids_of(list(contents)) == contents


def test_a_list_of_0_1_0_is_taken_over_and_stays_readable_to_it(paths: Paths) -> None:
    path = path_of(paths, URL)
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
        connection.execute("CREATE TABLE acknowledged (id BLOB PRIMARY KEY) WITHOUT ROWID")
        connection.executemany("INSERT INTO acknowledged VALUES (?)", [(id_,) for id_ in IDS[:5]])
        connection.commit()
    with opened(paths, URL) as acknowledged:
        assert acknowledged.known(IDS) == set(IDS[:5])
        acknowledged.remember(IDS[5:7], {b"content": IDS[5]})
        assert acknowledged.problem == ""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM acknowledged").fetchone() == (7,)


def test_lists_are_private(paths: Paths) -> None:
    remember(paths, IDS[:5])
    path = path_of(paths, URL)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_process_killed_while_it_remembers_loses_that_batch_only(paths: Paths) -> None:
    program = (
        "import os, signal, sys\n"
        "from akosha_hook.akosha.acknowledged import opened\n"
        "from akosha_hook.paths import Paths\n"
        "ids = [n.to_bytes(16, 'big') for n in range(3000)]\n"
        "def dying():\n"
        "    yield from ids[1000:2000]\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "class Dying(list):\n"
        "    def __iter__(self):\n"
        "        return dying()\n"
        "with opened(Paths.from_environment(os.environ), sys.argv[1]) as acknowledged:\n"
        "    acknowledged.remember(ids[:1000])\n"
        "    acknowledged.remember(Dying(ids[1000:]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, URL], check=False)
    assert done.returncode == -signal.SIGKILL
    assert known(paths) == set(IDS[:1000])


def damage_header(path: Path) -> None:
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def damage_pages(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def change_layout(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()


@pytest.mark.parametrize("damage", [damage_header, damage_pages, change_layout])
def test_a_damaged_list_is_set_aside_and_a_new_one_started(paths: Paths, damage: object) -> None:
    remember(paths, IDS)
    path = path_of(paths, URL)
    damage(path)  # type: ignore[operator]
    with opened(paths, URL) as acknowledged:
        assert acknowledged.known(IDS) == set()
        assert "damaged" in acknowledged.problem
        acknowledged.remember(IDS[:7])
        assert acknowledged.known(IDS) == set(IDS[:7])
    assert path.with_name(path.name + ".corrupt").exists()
    assert known(paths) == set(IDS[:7])


def test_where_the_list_cannot_be_written_nothing_is_known(paths: Paths) -> None:
    target = path_of(paths, URL)
    target.parent.mkdir(parents=True)
    target.symlink_to(target.with_name("elsewhere"))
    with opened(paths, URL) as acknowledged:
        acknowledged.remember(IDS, {b"content": IDS[0]})
        acknowledged.forget()
        assert acknowledged.known(IDS) == set()
        assert acknowledged.ids_of([b"content"]) == {}
        assert "could not be saved" in acknowledged.problem
    assert not target.with_name("elsewhere").exists()


def test_a_full_disk_costs_the_list_and_not_the_push(paths: Paths) -> None:
    """A limit on the size of files stands in for the disk."""
    program = (
        "import os, resource, signal, sys\n"
        "from akosha_hook.akosha.acknowledged import opened\n"
        "from akosha_hook.paths import Paths\n"
        "ids = [n.to_bytes(16, 'big') for n in range(3000)]\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with opened(Paths.from_environment(os.environ), sys.argv[1]) as acknowledged:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "    acknowledged.remember(ids)\n"
        "    acknowledged.remember(ids)\n"
        "    print(acknowledged.problem)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, URL], capture_output=True, text=True, check=True
    )
    assert "could not be saved" in done.stdout
    assert known(paths) == set()
    assert os.environ["HOME"] in done.stdout
