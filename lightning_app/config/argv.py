"""What was typed, in flags and in the configs that they name, read ahead of the real parser."""

from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from lightning_app.config.lookup import find_config

_CONFIG = "config"


def typed_options(arguments: Sequence[str], wanted: Collection[str]) -> dict[str, Any]:
    """The options among some that were given a value, and the last value of each.

    Follows configs, files of a part of a config (``--model model.yaml``, ``network: net.yaml``) and
    mappings on the command line. What cannot be read is left to the real parser's words.

    Args:
        arguments: as they were typed.
        wanted: dotted names of options.
    """
    found: dict[str, Any] = {}
    for name, value in _words(arguments):
        if name == _CONFIG:
            found |= _in_config(value, wanted)
        else:
            found |= _below(name, value, Path(), wanted)
    return found


def _words(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options and values in all forms that argparse knows."""
    for word, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            yield name, value if equals else following
        elif word.startswith("-c"):
            yield _CONFIG, word[2:].removeprefix("=") or following


def _in_config(name: str, wanted: Collection[str]) -> dict[str, Any]:
    try:
        path = find_config(name)
    except ValueError:
        return {}
    return _below("", _read(path), path.parent, wanted)


def _below(name: str, value: Any, folder: Path, wanted: Collection[str]) -> dict[str, Any]:
    """The wanted options at a name and below it.

    Args:
        name: dotted; empty for a whole config.
        value: what stands there.
        folder: of the file that it stands in.
        wanted: other names are not followed, however deep they go.
    """
    found = {name: value} if name in wanted else {}
    if name and not any(option.startswith(f"{name}.") for option in wanted):
        return found
    if isinstance(value, str):
        path = folder / value
        value, folder = (_read(path), path.parent) if _is_file(path) else (_parse(value), folder)
    if isinstance(value, dict):
        for key, member in value.items():
            found |= _below(f"{name}.{key}" if name else str(key), member, folder, wanted)
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a path, or no text for one
        return False


def _read(path: Path) -> Any:
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _parse(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
