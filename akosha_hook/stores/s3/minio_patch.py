"""Making `import minio` faster in our own processes."""

from __future__ import annotations

import sys
from types import ModuleType


def leave_out_admin_client() -> None:
    """Let `import minio` go without its administration client, which nothing here uses.

    The ciphers of that client's requests are a third of the time that loading minio-py takes. To be
    called by a process that is ours alone: `minio.MinioAdmin` is None in it.
    """
    absent = ModuleType("minio.minioadmin")
    absent.MinioAdmin = None  # type: ignore[attr-defined]
    sys.modules.setdefault(absent.__name__, absent)
