"""Akosha's rules for a manifest: SystemMemoryUploadManifest, as its 0.11.0 release enforces them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any


def check_manifest(document: dict[str, Any]) -> None:
    uploaded = dt.datetime.fromisoformat(document["uploaded_at"])
    assert uploaded.tzinfo is not None
    now = dt.datetime.now(dt.UTC)
    assert now - dt.timedelta(days=365) < uploaded < now + dt.timedelta(minutes=5)
    assert 0 <= document["conversation_count"] <= 1_000_000
    assert 0 <= document.get("total_size_bytes", 0) <= 1e11
    assert re.fullmatch(r"\d+\.\d+", document.get("version", "1.0"))
    assert 1 <= len(document.get("system_type", "x")) <= 50
    if "checksum" in document:
        assert re.fullmatch(r"[0-9a-f]{64}", document["checksum"])
    assert bool(document.get("compressed")) == ("compression_format" in document)
    assert document.get("compression_format", "gzip") in {"gzip", "zstd", "lz4"}
    for name in document.get("files", []):
        assert re.fullmatch(r"[a-zA-Z0-9_\-.]+", name)
        assert ".." not in name
        assert len(name) <= 255
    assert isinstance(document.get("metadata", {}), dict)
