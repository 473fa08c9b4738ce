"""The text of a config to save, which reads back as the same options."""

import argparse
import inspect
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentParser, Namespace

from lightning_app.config.diff import to_plain
from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import import_object, raising_parser

_WRITABLE = (str, int, float, bool, type(None), list, tuple, dict, Namespace, Path, timedelta)
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
    _remove_defaults_without_yaml(written)
    try:
        with raising_parser(parser):
            content = yaml.safe_load(parser.dump(written, skip_none=False))
            _restore_text(content, written)
            read = parser.parse_object(content)
    except (argparse.ArgumentError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"the run's config could not be read back: {reason}") from error
    for option, value in _differences(config, read):
        raise UsageError(
            f"{option} is '{value}', which a saved config cannot hold, so the run could not be "
            "resumed: expected text, numbers, or a class_path with init_args"
        )
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _remove_defaults_without_yaml(config: Any) -> None:
    """Leave out defaults of classes that YAML has no form for, such as a torch.device."""
    for value in _members(config):
        _remove_defaults_without_yaml(value)
    if isinstance(config, Namespace) and isinstance(config.get("class_path"), str):
        parameters = inspect.signature(import_object(config.class_path)).parameters
        arguments = config.get("init_args") or Namespace()
        for name, value in list(vars(arguments).items()):
            default = parameters[name].default if name in parameters else inspect.Parameter.empty
            if type(value) not in _WRITABLE and value is default:
                del arguments[name]


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


def _differences(before: Any, after: Any, option: str = "") -> Iterator[tuple[str, Any]]:
    """The options whose values differ, with the value before."""
    before, after = to_plain(before), to_plain(after)
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from _differences(value, after.get(key), f"{option}.{key}" if option else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for value, member in zip(before, after, strict=True):
            yield from _differences(value, member, option)
    elif before != after:
        yield option, before
