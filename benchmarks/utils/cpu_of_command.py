"""Run a command and print the CPU seconds of all its processes, orphans included.

A program of its own, since it waits for every process below it: a server from which the command
forks others, for example, ends after the command. It imports nothing of ours.
"""

import ctypes
import resource
import subprocess
import sys
from contextlib import suppress
from os import waitpid

_SET_CHILD_SUBREAPER = 36  # of Linux's prctl: orphans below this process become its children


def main() -> int:
    """Run the command; its exit code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
    code = subprocess.run(sys.argv[1:], check=False).returncode
    with suppress(ChildProcessError):
        while True:
            waitpid(-1, 0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{used.ru_utime + used.ru_stime}")
    return code


if __name__ == "__main__":
    sys.exit(main())
