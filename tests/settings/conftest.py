"""Settings files in a throwaway home."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings import Loaded, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths


@dataclass
class Layers:
    """Writes each layer's file; `load` reads them all."""

    paths: Paths
    environ: dict[str, str] = field(default_factory=dict)

    def base(self, text: str | bytes) -> Path:
        return self.write(self.paths.settings_yaml, text)

    def local(self, text: str | bytes) -> Path:
        return self.write(self.paths.local_yaml, text)

    def config(self, text: str | bytes) -> Path:
        assert self.paths.config_yaml is not None
        return self.write(self.paths.config_yaml, text)

    def config_local(self, text: str | bytes) -> Path:
        assert self.paths.config_local_yaml is not None
        return self.write(self.paths.config_local_yaml, text)

    def user(self, text: str | bytes) -> Path:
        return self.write(self.paths.user_toml, text)

    def write(self, path: Path, text: str | bytes) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def load(self, overrides: Mapping[str, object] | None = None) -> Loaded:
        return load(self.environ, self.paths, overrides)


@pytest.fixture
def layers(paths: Paths, home: Path) -> Layers:
    return Layers(paths, {"HOME": str(home)})
