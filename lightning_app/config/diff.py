"""Parsed options beside those of a saved config: plain values, and where they differ."""

from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace

COMMAND_OPTIONS = ("config", "resume", "trust")  # say what to do now, and are no part of a run


def to_plain(value: Any) -> Any:
    """A value as YAML has it."""
    if isinstance(value, Namespace):
        return {key: to_plain(member) for key, member in vars(value).items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [to_plain(member) for member in value]
    return value


def get_option(content: Any, option: str) -> Any:
    """The value of a dotted option in the content of a config; None where it is not there."""
    for key in option.split("."):
        content = content.get(key) if isinstance(content, dict) else None
    return content


def changed_options(saved: dict[str, Any], config: Namespace) -> dict[str, tuple[Any, Any]]:
    """Options of a saved config that have another value now, by dotted name: (saved, now).

    Options that the saved config does not know are left to ``new_options``.
    """
    return dict(_changes(saved, to_plain(config), ""))


def new_options(
    saved: dict[str, Any], config: Namespace, parser: ArgumentParser
) -> dict[str, tuple[Any, Any]]:
    """Options of a later version than a saved config that are not at their default.

    Args:
        saved: the config.
        config: what is asked for now.
        parser: has parsed it; knows the defaults, those of the classes that it names among them.

    Returns:
        By dotted name: (default, now).
    """
    now = {key: value for key, value in to_plain(config).items() if key not in COMMAND_OPTIONS}
    defaults = to_plain(parser.parse_object(_known(now, saved)))
    return dict(_changes(_unknown(defaults, saved), _unknown(now, saved), ""))


def _known(content: Any, saved: Any) -> Any:
    """The part of a content that a saved config has too."""
    if not (isinstance(content, dict) and isinstance(saved, dict)):
        return content
    return {key: _known(value, saved[key]) for key, value in content.items() if key in saved}


def _unknown(content: Any, saved: Any) -> Any:
    """The rest, with nothing in place of each known value."""
    if not (isinstance(content, dict) and isinstance(saved, dict)):
        return None
    return {
        key: _unknown(value, saved[key]) if key in saved else value
        for key, value in content.items()
    }


def _changes(saved: Any, now: Any, name: str) -> list[tuple[str, tuple[Any, Any]]]:
    if isinstance(saved, dict) and isinstance(now, dict):
        found = []
        for key in saved:
            found += _changes(saved[key], now.get(key), f"{name}.{key}" if name else key)
        return found
    return [] if saved == now else [(name, (saved, now))]
