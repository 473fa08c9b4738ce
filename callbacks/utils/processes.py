"""Other processes of this machine."""

import os


def has_ended(pid: int) -> bool:
    """Whether no process of this machine has this id; False if that cannot be known."""
    if os.name == "nt":  # signal 0 would end the process
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it is another user's, or no id of a process
        return False
    return False
