"""The detached worker: `python -P -m akosha_hook.worker`.

The lock is tried before anything else is imported: of 200 workers started at once, 199 leave after
a few milliseconds.
"""

import fcntl
import os
import sys

# More turns than that, one after the other, are a fault: the next event starts a new worker.
TURNS = 10
SIGNATURE_BYTES = 64


def _state_directory() -> str:
    configured = os.environ.get("CLAUDE_CONFIG_DIR")
    claude = configured or os.path.join(os.path.expanduser("~"), ".claude")  # noqa: PTH111, PTH118
    return os.path.join(os.path.abspath(claude), "akosha")  # noqa: PTH100, PTH118


def _lock(path: str) -> int | None:
    """An open, locked descriptor; None when another worker has it or there is nowhere to lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def main() -> int:
    """Work until nothing is due; 0 whatever happens, since nobody is there to see it."""
    try:  # noqa: SIM105 - contextlib is one more import before the lock
        os.setsid()
    except OSError:
        pass  # the leader of its session already
    path = os.path.join(_state_directory(), "worker.lock")  # noqa: PTH118
    turns = 0
    while turns < TURNS and (descriptor := _lock(path)) is not None:
        try:
            rest = _work(descriptor)
            if rest is None:
                break
            turns = 0 if rest else turns + 1
        except Exception:  # noqa: BLE001 - a detached process has nobody else to tell
            _report()
            break
    return 0


def _work(lock: int) -> bool | None:
    """One turn under the lock. None if it was the last, else whether it ended with a rest.

    An event may have come while its own worker found the lock taken: the next turn lists it.
    """
    import logging

    from akosha_hook.paths import Paths
    from akosha_hook.stores.s3.minio_patch import leave_out_admin_client
    from akosha_hook.util import files, log
    from akosha_hook.worker import loop

    leave_out_admin_client()
    dropped = loop.forget_projects(Paths.from_environment(os.environ), os.environ)
    paths = Paths.from_environment(os.environ)
    loose = files.tighten(paths.state)
    log.configure(paths)
    for path, _ in loose:
        logger = logging.getLogger("akosha_hook.worker")
        logger.warning("%s was open to others; it is closed to them now", path)
    ours = b""
    try:
        rest = loop.run(paths, dict(os.environ), dropped)
        if rest is not None:
            ours = _sign(lock)
    finally:
        os.close(lock)
    if rest is not None:
        return rest.wait(lambda: _signature(paths.worker_lock) != ours) or None
    return False if loop.is_due(paths, dict(os.environ)) else None


def _sign(lock: int) -> bytes:
    """Make this process the one that waits for a backoff to end; another's signature ends that.

    Returns what the lock file says then: on a full disk that may be what it said before.
    """
    try:  # noqa: SIM105 - contextlib is one more import before the lock
        os.pwrite(lock, b"%-20d\n" % os.getpid(), 0)
    except OSError:
        pass
    return os.pread(lock, SIGNATURE_BYTES, 0)


def _signature(path: str | os.PathLike[str]) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, SIGNATURE_BYTES)
    finally:
        os.close(descriptor)


def _report() -> None:
    import logging

    logger = logging.getLogger("akosha_hook.worker")
    logger.error("The worker ended unexpectedly", exc_info=True)


if __name__ == "__main__":
    sys.exit(main())
