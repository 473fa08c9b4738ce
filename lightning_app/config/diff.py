"""Compares parsed options with those of a saved config."""

from argparse import ArgumentError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import raising_parser

COMMAND_OPTIONS = ("config", "name", "resume", "trust")  # what to do now; not part of a run

Changes = dict[str, tuple[Any, Any]]  # by dotted option: value before, value now


def to_plain(value: Any) -> Any:
    """A value as YAML has it."""
    if isinstance(value, Namespace):
        return {key: to_plain(member) for key, member in vars(value).items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [to_plain(member) for member in value]
    return value


def changed_options(saved: dict[str, Any], config: Namespace) -> Changes:
    """Options of a saved config that have another value now, with the value saved.

    ``new_options`` compares the options that the saved config does not have.
    """
    return dict(_changes(saved, to_plain(config)))


def new_options(saved: dict[str, Any], config: Namespace, parser: ArgumentParser) -> Changes:
    """Options that a saved config does not have and that are not at their default.

    An earlier version of the program, without these options, has written it.

    Args:
        saved: the config.
        config: the options now.
        parser: that has parsed them; knows the defaults, also of the classes that they name.

    Returns:
        The options, with the default.

    Raises:
        UsageError: the saved config lacks an option that has no default.
    """
    now = {key: value for key, value in to_plain(config).items() if key not in COMMAND_OPTIONS}
    with raising_parser(parser):
        try:
            defaults = to_plain(parser.parse_object(_common(now, saved)))
        except ArgumentError as error:
            raise UsageError(f"the saved config is not complete: {error}") from None
    return dict(_changes(_new(defaults, saved), _new(now, saved)))


def _common(content: Any, saved: Any) -> Any:
    """The part of a content that a saved config has too."""
    if not (isinstance(content, dict) and isinstance(saved, dict)):
        return content
    return {key: _common(value, saved[key]) for key, value in content.items() if key in saved}


def _new(content: Any, saved: Any) -> Any:
    """The part of a content that a saved config lacks, with None for each value that it has."""
    if not (isinstance(content, dict) and isinstance(saved, dict)):
        return None
    return {
        key: _new(value, saved[key]) if key in saved else value for key, value in content.items()
    }


def _changes(before: Any, now: Any, name: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in before:
            yield from _changes(before[key], now.get(key), f"{name}.{key}" if name else str(key))
    elif before != now:
        yield name, (before, now)
