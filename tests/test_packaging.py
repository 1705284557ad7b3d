"""What hooks and plugins need is in the wheel, executable where it has to be, and found there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from akosha_hook.paths import shipped
from akosha_hook.version import __version__

ROOT = Path(__file__).parent.parent
NEEDED = (".claude-plugin", ".mcp.json", "hooks", "templates")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer leaves it, executable bits included."""
    built = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = built.glob("*.whl")
    directory = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        for item in archive.infolist():
            Path(archive.extract(item, directory)).chmod(item.external_attr >> 16 & 0o777)
    return directory


def test_the_wheel_has_what_the_checkout_has(unpacked: Path) -> None:
    for name in NEEDED:
        source = ROOT / name
        files = [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]
        for file in files:
            installed = unpacked / "akosha_hook" / "_shipped" / file.relative_to(ROOT)
            assert installed.read_bytes() == file.read_bytes()
            assert os.access(installed, os.X_OK) == os.access(file, os.X_OK)


def test_an_installed_package_finds_its_own_files(unpacked: Path) -> None:
    """Not those of the checkout that the tests run from."""
    program = (
        "from akosha_hook.paths import shipped; from akosha_hook.version import __version__\n"
        f"print(__version__, *(shipped(name) for name in {NEEDED!r}), sep='\\n')"
    )
    said = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert said[0] == __version__
    assert [Path(line) for line in said[1:]] == [
        unpacked / "akosha_hook" / "_shipped" / name for name in NEEDED
    ]


def test_a_checkout_finds_its_own_files() -> None:
    assert [shipped(name) for name in NEEDED] == [ROOT / name for name in NEEDED]
