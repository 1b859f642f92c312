"""Become a server: the steps between fork and exec that must happen in this order, as a program of its own.

Run by child.py as `python -I -S launch.py UID GID PARENT DEATH_SIGNAL PROGRAM ARGUMENT…`, so that nothing
runs in a forked copy of a threaded process.  It imports nothing of ours: after the setuid our own files may
be out of reach.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Drop root if asked to, tie our life to the parent's, and exec."""
    uid, gid, parent, death_signal = (int(text) for text in arguments[:4])
    program = arguments[4:]
    os.umask(0o077)
    os.chdir("/")  # a directory that every user may stand in; PostgreSQL < 16 walks back to where it started
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the setuid, since that clears it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            return  # the parent died before we asked to be told
    os.execv(program[0], program)  # noqa: S606  no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
