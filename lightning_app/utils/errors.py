"""The error of a command that cannot be carried out as typed."""


class UsageError(Exception):
    """Ends the program with exit code 2. The message is one line that tells what to change."""
