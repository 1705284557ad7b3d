"""What the package's metadata has that depends on where the repository is: URLs, readme.

A package index shows the README without the repository around it, so relative links and pictures
lead nowhere there. They are rewritten to the tagged version in the repository. Its address is the
`repository` line in pyproject.toml; while that is empty, links become plain text and pictures go.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# [text](target), or a picture with a "!" before it, on a line of its own or not.
_LINK = re.compile(
    r"(?P<picture>!?)\[(?P<text>[^]]*)\]\((?!https?:|mailto:|#)(?P<target>[^)\s]+)\)"
)
_VERSION = re.compile(r'^__version__ = "(?P<version>.+)"$', re.MULTILINE)
_UNKNOWN = "<the URL of this repository>"


class PackageMetadata(MetadataHookInterface):
    """Found by hatchling through its table in pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        root = Path(self.root)
        repository = self.config["repository"].rstrip("/")
        match = _VERSION.search((root / "akosha_hook/version.py").read_text(encoding="utf-8"))
        assert match is not None
        text = (root / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": readme(text, repository, f"v{match['version']}"),
        }
        metadata["urls"] = urls(repository, f"v{match['version']}")


def urls(repository: str, tag: str) -> dict[str, str]:
    if not repository:
        return {}
    return {
        "Documentation": f"{repository}/tree/{tag}/docs",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
        "Source": repository,
    }


def readme(text: str, repository: str, tag: str) -> str:
    """`text` as it holds outside the repository."""

    def replace(link: re.Match[str]) -> str:
        if not repository:
            return "" if link["picture"] else link["text"]
        kind = "raw" if link["picture"] else "blob"
        return f"{link['picture']}[{link['text']}]({repository}/{kind}/{tag}/{link['target']})"

    text = _LINK.sub(replace, text)
    if repository:
        text = text.replace(_UNKNOWN, repository)
    return re.sub(r"\n{3,}", "\n\n", text)
