"""Parsed options beside those of a saved config: plain values, and where they differ."""

from pathlib import Path
from typing import Any

from jsonargparse import Namespace


def plain(value: Any) -> Any:  # noqa: ANN401 (any option)
    """A value as YAML has it."""
    if isinstance(value, Namespace):
        return {key: plain(member) for key, member in vars(value).items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return value


def at(content: Any, option: str) -> Any:  # noqa: ANN401 (any YAML)
    """The value of a dotted option in the content of a config; None where it is not there."""
    for key in option.split("."):
        content = content.get(key) if isinstance(content, dict) else None
    return content


def changes(saved: dict[str, Any], config: Namespace) -> dict[str, tuple[Any, Any]]:
    """Options of a saved config that have another value now, by dotted name: (saved, now).

    What the saved config does not know, options of a later version, is no change.
    """
    return dict(_changes(saved, plain(config), ""))


def _changes(saved: Any, now: Any, name: str) -> list[tuple[str, tuple[Any, Any]]]:  # noqa: ANN401
    if isinstance(saved, dict) and isinstance(now, dict):
        found = []
        for key in saved:
            found += _changes(saved[key], now.get(key), f"{name}.{key}" if name else key)
        return found
    return [] if saved == now else [(name, (saved, now))]
