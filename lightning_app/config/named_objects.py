"""Finds the classes and functions that a parsed config names."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jsonargparse import Namespace

from lightning_app.config.allowed_classes import import_path, registered_classes
from lightning_app.utils.private_api import import_object


@dataclass(frozen=True)
class Named:
    """A class or function that a config names.

    Attributes:
        option: that names it.
        path: as named; where it is defined if the config no longer holds the name.
        value: the class or function.
        arguments: that the config gives it, by name.
        is_class_path: whether it is built or called with these arguments.
    """

    option: str
    path: str
    value: Any
    arguments: dict[str, Any]
    is_class_path: bool

    def is_trusted(self, trusted: Sequence[str]) -> bool:
        """Whether the user trusts it, by the name in the config or by where it is defined."""
        return is_below(self.path, trusted) or is_below(import_path(self.value), trusted)


def is_below(path: str, names: Sequence[str]) -> bool:
    """Whether an import path is one of the names or lies below one."""
    return any(path == name or path.startswith(f"{name}.") for name in names)


def named_objects(config: Any, option: str = "") -> Iterator[Named]:
    """All classes and functions in a parsed config; nothing of it is built yet.

    Args:
        config: the options.
        option: the dotted name of the config itself, if it is the value of an option.
    """
    if isinstance(config, Namespace | dict):
        members = vars(config) if isinstance(config, Namespace) else config
        path = members.get("class_path")
        if isinstance(path, str):
            yield Named(option, path, import_object(path), _arguments(members), is_class_path=True)
        for key, member in members.items():
            yield from named_objects(member, f"{option}.{key}" if option else str(key))
    elif isinstance(config, list | tuple):
        for member in config:
            yield from named_objects(member, option)
    elif inspect.isclass(config) or inspect.isroutine(config):
        yield Named(option, import_path(config), config, {}, is_class_path=False)
    elif isinstance(config, str) and (cls := registered_classes(option).get(config)):
        yield Named(option, import_path(cls), cls, {}, is_class_path=True)


def _arguments(members: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a class, also those that its constructor passes on."""
    arguments: dict[str, Any] = {}
    for key in ("init_args", "dict_kwargs"):
        given = members.get(key) or {}
        arguments |= vars(given) if isinstance(given, Namespace) else given
    return arguments
