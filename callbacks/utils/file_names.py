"""File names that come from a config."""

from pathlib import PurePosixPath, PureWindowsPath


def check_file_name(option: str, name: str) -> str:
    """Return a name if it is that of a file in the folder at hand, and no path.

    Args:
        option: for the error.
        name: to check.

    Raises:
        ValueError: it is a path.
    """
    is_name = all(path(name).name == name for path in (PurePosixPath, PureWindowsPath))
    if not is_name or name in {"", ".", ".."} or "\0" in name:
        raise ValueError(f"{option} is '{name}', expected a file name, not a path")
    return name
