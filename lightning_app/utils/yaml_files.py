"""Reads YAML files that a user wrote."""

from pathlib import Path
from typing import Any

import yaml

from lightning_app.utils.errors import UsageError


def read_mapping(path: Path, what: str) -> dict[str, Any]:
    """Read a YAML file that holds a mapping; an empty file is an empty mapping.

    Args:
        path: the file.
        what: it is, for errors, such as config.

    Raises:
        UsageError: it cannot be read, or holds something else.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{what} '{path}' cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what} '{path}' is not in UTF-8: save it in that encoding") from None
    except RecursionError:
        raise UsageError(f"{what} '{path}' is nested too deeply") from None
    except Exception as error:  # noqa: BLE001 (of a malformed number, date or tag may be any)
        reason = " ".join(str(error).split())
        raise UsageError(f"{what} '{path}' is not valid YAML: {reason}") from None
    if not isinstance(content, dict | None):
        raise UsageError(f"{what} '{path}' is not a mapping of names to values")
    return content or {}
