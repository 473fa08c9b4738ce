"""The text of a config to save, which reads back as the same options."""

import argparse
import inspect
import warnings
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import PosixPath, WindowsPath
from typing import Any

import yaml
from jsonargparse import ArgumentParser, Namespace

from lightning_app.config.allowed_classes import import_path
from lightning_app.config.diff import COMMAND_OPTIONS, Changes, to_plain
from lightning_app.config.option_policy import is_below
from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import import_object, raising_parser
from lightning_app.utils.yaml_file import get_option

_WRITABLE = (str, int, float, bool, type(None), timedelta, PosixPath, WindowsPath)
_CALLBACKS = "trainer.callbacks"
_META = "__"  # begins the names of what is no option, such as the file that one was read from
_SENTENCE = "Unable to serialize instance "  # what jsonargparse writes for other values


def config_text(parser: ArgumentParser, config: Namespace) -> str:
    """Write a config as YAML, and read it back.

    Args:
        parser: that has parsed the config.
        config: the options.

    Raises:
        UsageError: an option would have another value when the text is read.
    """
    written = config.clone()
    _make_writable(written)
    for option, value in _values(written):
        if type(value) not in _WRITABLE and not isinstance(value, Enum):
            raise _not_saved(option, value)
    try:
        with raising_parser(parser), warnings.catch_warnings():
            warnings.filterwarnings("ignore", rf"\s*{_SENTENCE}")  # see _restore_text
            content = yaml.safe_load(parser.dump(written, skip_unset=False))
            _restore_text(content, written)
            text = str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
            read = parser.parse_object(yaml.safe_load(text))
    except (argparse.ArgumentError, ValueError, TypeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"the run's config could not be read back: {reason}") from error
    for option, value in _differences(config, read):
        raise _not_saved(option, value)
    return text


def without_same_callbacks(
    changes: Changes, saved: dict[str, Any], parser: ArgumentParser, config: Namespace
) -> Changes:
    """The changes without those of trainer.callbacks, if these mean the same callbacks.

    A saved config has other forms of some values, and of an earlier version fewer arguments.

    Args:
        changes: between the two.
        saved: the content of a saved config.
        parser: that has parsed the config.
        config: the options.

    Raises:
        UsageError: as ``config_text`` does.
    """
    others = {o: change for o, change in changes.items() if not is_below(o, (_CALLBACKS,))}
    if len(others) == len(changes):
        return changes
    written = config.clone()
    for option in COMMAND_OPTIONS:
        written.pop(option, None)
    now = yaml.safe_load(config_text(parser, written))
    is_same = _agree(*(get_option(content, _CALLBACKS) for content in (saved, now)))
    return others if is_same else changes


def _agree(one: Any, other: Any) -> bool:
    """Whether two contents of YAML have the same values, but for keys that only one has."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_agree(one[key], other[key]) for key in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_agree, one, other))
    return bool(one == other)


def _not_saved(option: str, value: Any) -> UsageError:
    return UsageError(
        f"{option} is '{value}', which a saved config cannot hold, so the run could not be "
        "resumed: expected text, numbers, or a class_path with init_args"
    )


def _make_writable(config: Any) -> None:
    """Leave out defaults of classes that YAML has no form for, and write functions as paths."""
    for value in _members(config):
        _make_writable(value)
    if isinstance(config, Namespace) and isinstance(config.get("class_path"), str):
        parameters = inspect.signature(import_object(config.class_path)).parameters
        given = config.get("init_args")
        arguments: dict[str, Any] = vars(given) if given else {}
        for name, value in list(arguments.items()):
            default = parameters[name].default if name in parameters else inspect.Parameter.empty
            if type(value) not in _WRITABLE and value is default:
                del arguments[name]
            elif inspect.isroutine(value) or inspect.isclass(value):
                arguments[name] = import_path(value)


def _values(config: Any, option: str = "") -> Iterator[tuple[str, Any]]:
    """All values that are neither options with options of their own nor lists."""
    if isinstance(config, Namespace | dict):
        members = vars(config) if isinstance(config, Namespace) else config
        for key, value in members.items():
            if not str(key).startswith(_META):
                yield from _values(value, f"{option}.{key}" if option else str(key))
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _values(value, option)
    else:
        yield option, config


def _members(config: Any) -> list[Any]:
    if isinstance(config, Namespace):
        return list(vars(config).values())
    return config if isinstance(config, list) else []


def _restore_text(content: Any, config: Any) -> None:
    """Put back text that jsonargparse takes for an unknown function and replaces by a sentence."""
    config = vars(config) if isinstance(config, Namespace) else config
    if isinstance(content, dict) and isinstance(config, dict):
        for key, value in content.items():
            if value == f"{_SENTENCE}{config.get(key)}" and isinstance(config[key], str):
                content[key] = config[key]
            _restore_text(value, config.get(key))
    elif isinstance(content, list) and isinstance(config, list):
        for value, member in zip(content, config, strict=True):
            _restore_text(value, member)


def _differences(before: Any, after: Any) -> Iterator[tuple[str, Any]]:
    """The options whose values differ, with the value before."""
    now = list(_values(to_plain(after)))
    for option, value in _values(to_plain(before)):
        if (option, value) in now:
            now.remove((option, value))
        else:
            yield option, value
