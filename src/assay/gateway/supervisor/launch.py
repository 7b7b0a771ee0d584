"""Becomes a part, after arranging that it ends when the supervisor does, however that ends.

Run as a program by path, with nothing of Assay imported, so that it adds a few milliseconds only::

    python -I -S launch.py SUPERVISOR_PID SIGNAL PROGRAM ARGUMENT…

Between fork and exec of a threaded process no Python may run safely; in a process of its own it may.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2); the setting survives execve(2)
_GONE = 125


def main(arguments: list[str]) -> int:
    """Replaces this process by the program; returns only when that fails."""
    parent, number, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    os.umask(0o077)  # logs and sockets are for this user alone
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before the arrangement was made
        return _GONE
    try:
        os.execv(command[0], command)  # noqa: S606  # the command is the supervisor's own, and no shell is wanted
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
    return 126


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
