"""Standard output and error of the program."""

import io
import locale
import os
import sys
from typing import NoReturn

PIPE_CLOSED = 141  # the exit code of a Unix tool that SIGPIPE ends


class _Stream(io.TextIOWrapper):
    """Ends the program if nobody reads its output any longer, as in ``| head``.

    Not by SIGPIPE, which would also end it for the broken connections of libraries, and would leave
    a training no time to record that it was interrupted.
    """

    def write(self, text: str) -> int:
        """Write text. Raises SystemExit if the pipe is closed."""
        try:
            return super().write(text)
        except BrokenPipeError:
            self._exit()

    def flush(self) -> None:
        """Flush. Raises SystemExit if the pipe is closed."""
        try:
            super().flush()
        except BrokenPipeError:
            self._exit()

    def _exit(self) -> NoReturn:
        # What is still buffered must go somewhere, or Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        raise SystemExit(PIPE_CLOSED)


def prepare_streams() -> None:
    """Let standard output and error take any text, at once, and end the program if they are closed.

    A character that their encoding lacks is written as an escape sequence.
    """
    # A file that is opened later would take the number of a closed stream, and get what is printed.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 (takes no keywords)
    os.close(descriptor)
    for name, number in (("stdout", 1), ("stderr", 2)):
        encoding = getattr(getattr(sys, name), "encoding", None)
        binary = open(number, "wb", closefd=False)  # noqa: SIM115 (open until the end)
        stream = _Stream(binary, encoding, "backslashreplace", line_buffering=True)
        setattr(sys, name, stream)


def use_utf8() -> None:
    """Start the program again in Python's UTF-8 mode if the locale has another encoding.

    Otherwise names of files are garbled, and libraries read our configs in that encoding.
    Python 3.15 is always in this mode.
    """
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if os.name == "posix" and encoding.lower() not in {"utf-8", "utf8"}:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
