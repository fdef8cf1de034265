"""Advisory locks on folders of a file system."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.errors import UserError


@contextmanager
def locked_folder(path: Path, wait: bool) -> Iterator[None]:
    """Hold a folder; the system lets go of it when the process ends, however it ends.

    On NFS the lock is the server's, shared by all machines that mount it. NFS locks only files that are open for
    writing: there a file `.lock` in the folder is locked instead.

    Args:
        path: an existing folder.
        wait: until whoever holds it lets go, rather than give up.

    Raises:
        UserError: another process holds it.
    """
    handle = os.open(path, os.O_RDONLY)
    how = fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)
    try:
        try:
            fcntl.flock(handle, how)
        except OSError as error:
            if error.errno not in (errno.EBADF, errno.EISDIR, errno.EINVAL):
                raise
            os.close(handle)
            handle = os.open(path / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
            fcntl.flock(handle, how)
    except BlockingIOError:
        os.close(handle)
        raise UserError(f"{path}: another process is writing this run; wait for it or stop it") from None
    try:
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a process holds a folder now."""
    try:
        with locked_folder(path, wait=False):
            return False
    except UserError:
        return True
    except OSError:  # it may not be opened, or is not there
        return False
