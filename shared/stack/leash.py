"""Becomes the given program, on a leash: the kernel kills it when the supervisor dies, even by `kill -9`.

`python -I -S leash.py SUPERVISOR_PID PROGRAM ARG…`. A program of its own, because a function run between fork and exec
is not safe in a process with threads. Where there is no PR_SET_PDEATHSIG (macOS) the records in `<home>/run` suffice.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    supervisor, argv = int(sys.argv[1]), sys.argv[2:]
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:  # it died before the leash was on
        sys.exit(1)
    os.execvp(argv[0], argv)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
