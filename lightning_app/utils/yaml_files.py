"""Reads YAML files that a user wrote."""

from pathlib import Path
from typing import Any

import yaml

from lightning_app.utils.errors import UsageError


def read_yaml(path: Path, what: str) -> Any:
    """Read a YAML file; an empty one gives None.

    Args:
        path: the file.
        what: it is, for errors, such as config.

    Raises:
        UsageError: it cannot be read; names the file.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{what} '{path}' cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what} '{path}' is not in UTF-8: save it in that encoding") from None
    except RecursionError:
        raise UsageError(f"{what} '{path}' is nested too deeply") from None
    except Exception as error:  # noqa: BLE001 (of a malformed number, date or tag may be any)
        reason = " ".join(str(error).split())
        raise UsageError(f"{what} '{path}' is not valid YAML: {reason}") from None
