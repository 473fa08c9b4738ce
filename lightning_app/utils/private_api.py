"""Every use of another library's private API, with the public API that would replace it."""

import argparse
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import reduce
from operator import or_
from types import UnionType
from typing import Any, Union, get_args, get_origin

# Public as jsonargparse.ActionConfigFile, but not exported for type checkers.
from jsonargparse._actions import ActionConfigFile
from jsonargparse._common import parsing_settings
from jsonargparse._link_arguments import skip_apply_links
from jsonargparse._typehints import get_all_subclass_paths

# Imports by a path that a config may name, and nothing else. Replace by a public name of it.
from jsonargparse._util import import_object

__all__ = [
    "ActionConfigFile",
    "accepted_classes",
    "command_parser",
    "import_object",
    "option_names",
    "parsing_settings",
    "raising_parser",
    "restored_parsing_settings",
    "try_int_first",
    "unlinked",
]


@contextmanager
def restored_parsing_settings() -> Iterator[None]:
    """Undo ``jsonargparse.set_parsing_settings`` at the end.

    Replace by a context manager of jsonargparse, or a function that returns the settings.
    """
    before = dict(parsing_settings)
    try:
        yield
    finally:
        parsing_settings.update(before)


@contextmanager
def raising_parser(parser: argparse.ArgumentParser) -> Iterator[None]:
    """Let a parser raise errors instead of ending the program.

    Replace once jsonargparse lets its ``exit_on_error`` be set after a parser is built.
    """
    before = parser.exit_on_error
    parser.exit_on_error = False
    try:
        yield
    finally:
        parser.exit_on_error = before


def unlinked() -> AbstractContextManager[None]:
    """Parse without linked arguments, so that a value given for one of them stays visible.

    Replace once jsonargparse refuses linked arguments in configs, as it does for flags.
    """
    context: AbstractContextManager[None] = skip_apply_links()
    return context


def try_int_first(parser: argparse.ArgumentParser) -> None:
    """Let every option that takes int or float read 1 as an int: a limit of 1 is a single batch.

    typing keeps unions in a cache that ignores the order of their members, so Lightning's
    Optional[Union[int, float]] tries float first if another library has named it in that order.
    Then 1 is read as 1.0, which is all batches.

    Replace once jsonargparse sorts int before float.
    """
    for action in _actions(parser):
        hint = getattr(action, "_typehint", None)
        members = get_args(hint) if get_origin(hint) in {Union, UnionType} else ()
        if {int, float} <= set(members):
            action._typehint = reduce(or_, sorted(members, key=lambda member: member is not int))  # type: ignore[attr-defined]


def option_names(parser: argparse.ArgumentParser) -> list[str]:
    """Names of a parser's options and of its subcommand's, such as data.root.

    Replace by a public list of a parser's actions, which argparse lacks.
    """
    typed = [word for action in _actions(parser) for word in action.option_strings]
    return [word[2:] for word in typed if word.startswith("--") and not word.endswith("+")]


def accepted_classes(parser: argparse.ArgumentParser, option: str) -> list[str]:
    """Import paths of all imported classes that an option accepts; empty if it takes none.

    Replace by a public form of the "known subclasses" in jsonargparse's help.
    """
    for action in _actions(parser):
        if action.dest == option and hasattr(action, "_typehint"):
            paths: list[str] = get_all_subclass_paths(action._typehint)
            return paths
    return []


def command_parser(parser: argparse.ArgumentParser) -> Any:
    """The parser of the only subcommand; the parser itself if it has none.

    Replace by a public list of a parser's subcommands, which argparse lacks.
    """
    commands = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    return next(iter(commands[0].values())) if commands else parser


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action.choices, dict):  # subcommands
            for subparser in action.choices.values():
                yield from subparser._actions
