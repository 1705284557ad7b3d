from __future__ import annotations

import subprocess
import sys


def test_a_client_without_its_administration_loads_no_ciphers() -> None:
    """And what is left of minio-py does what we need of it."""
    script = (
        "import sys\n"
        "from akosha_hook.stores.s3.minio_patch import leave_out_admin_client\n"
        "leave_out_admin_client()\n"
        "import akosha_hook.upload.deliver\n"
        "from minio import Minio\n"
        "Minio('localhost:1')\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'Crypto', 'argon2'}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, check=True, text=True
    )
    assert done.stdout == "[]\n"
