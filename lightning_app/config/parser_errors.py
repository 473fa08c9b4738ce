"""Errors of jsonargparse in one line: the option, its value, what is expected, the nearest name."""

import argparse
import difflib
import inspect
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import models  # noqa: F401 (a nearest class is searched among the imported ones)
from lightning_app.config.allowed_classes import reason_against
from lightning_app.config.import_allowlist import IMPORTED, STACK
from lightning_app.config.linked_arguments import LINKS
from lightning_app.config.lookup import find_config
from lightning_app.config.named_objects import is_below
from lightning_app.utils.option_hints import SEE_HELP, meant_options, unknown_option
from lightning_app.utils.private_api import (
    accepted_classes,
    command_parser,
    import_object,
    option_names,
)

_KEY = re.compile(r'Parser key "([^"]+)"')
_VALUE = re.compile(
    r"(?:Got value: |Given value: |class_path '|path string: |Import path )"
    r"(.*?)(?:':| does not correspond .*)?$",
    re.MULTILINE,
)
_EXPECTED = re.compile(
    r"Expected an? (?:<class '(?:\w+\.)*(\w+)'>|typing\.(Literal\[.*?\])|(dot import))"
)
_UNKNOWN_KEY = re.compile(r"(?:Option|accept option) '([^']+)'")
_UNKNOWN_WORD = re.compile(r"unrecognized arguments: ([^\s=]+)")
_REQUIRED = re.compile(r"arguments are required: (.*)")
_CLASS = re.compile(r"Problem with given class_path '([^']+)'")
_DENIED = re.compile(r"Importing '(.+)' is not allowed, denied by the '(.+)' entry")

_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list such as [a,b]",
    "tuple": "a list such as [a,b]",
    "Sequence": "a list such as [a,b]",
    "NoneType": "null",
    "dot import": "a class",
}

FEW_OPTIONS = 20  # as many as an error lists if none of them is near; a command has hundreds


class ClassOptionError(argparse.ArgumentError):
    """A line about an option of a class; it begins with the option, relative to the class."""


def one_line(message: str, error: BaseException | None, parser: argparse.ArgumentParser) -> str:
    """Shorten an error.

    Args:
        message: from jsonargparse.
        error: that caused it.
        parser: that met it; knows the valid options and classes.
    """
    causes = list(_causes(error))
    key = match[1] if (match := _KEY.search(message)) else ""
    if line := _known_cause(key, causes) or _unknown(message, parser):
        return line
    if message.startswith("Call to compute_fn of link"):
        return str(causes[-1])
    if match := _REQUIRED.search(message):
        return _missing(match[1])
    if key and (match := _VALUE.search(message)):
        is_import = "class_path '" in message or "Import path " in message
        reason = f" ({causes[-1]})" if is_import and causes else ""
        return _bad_value(key, match[1], message, parser, reason)
    return " ".join(message.split())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _known_cause(key: str, causes: list[BaseException]) -> str | None:
    for index, cause in enumerate(causes):
        if isinstance(cause, ClassOptionError):
            line = f"{key}.{cause}" if key else str(cause)
            return line + _class_with_option(causes[:index], causes[index + 1 :])
        if match := _DENIED.search(str(cause)):
            return _denied(key, match[1], match[2])
    return None


def _class_with_option(before: list[BaseException], after: list[BaseException]) -> str:
    """The class that has the option, unless the line names another class already."""
    if any(isinstance(cause, ClassOptionError) or _DENIED.search(str(cause)) for cause in after):
        return ""
    classes = [match[1] for cause in before if (match := _CLASS.search(str(cause)))]
    return f" (class {classes[-1]})" if classes else ""


def _denied(key: str, path: str, entry: str) -> str:
    line = f"{key} names '{path}', which" if key else f"'{path}'"
    root = path.partition(".")[0]
    if entry != "*" or root in STACK:
        return f"{line} is not among the classes that a config may name"
    return (
        f"{line} belongs neither to this program nor to its libraries and was not imported; only "
        f"if you know its code, add --trust {root}"
    )


def _unknown(message: str, parser: argparse.ArgumentParser) -> str | None:
    """The line about an option that does not exist."""
    if match := _UNKNOWN_KEY.search(message):
        return _unknown_key(match[1], known_options(parser))
    if match := _UNKNOWN_WORD.search(message):
        word, options = match[1], known_options(parser)
        return unknown_option(word, options) if word.startswith("-") else _stray(word, options)
    return None


def known_options(parser: argparse.ArgumentParser) -> list[str]:
    """The options of a parser, and those of the classes that it builds unless others are named.

    For the network, which has no default, they are the options of all networks of ours.
    """
    names = [name for name in option_names(parser) if not name.endswith("help")]
    defaults = command_parser(parser).get_defaults(skip_validation=True)
    names += [name for name in defaults.keys() if ".init_args." in name]  # noqa: SIM118 (nested)
    for path in accepted_classes(parser, "model.network"):
        if is_below(path, ("models",)):
            parameters = inspect.signature(import_object(path)).parameters
            names += [f"model.network.init_args.{parameter}" for parameter in parameters]
    return [name for name in dict.fromkeys(names) if name not in LINKS]


def _unknown_key(name: str, options: list[str]) -> str:
    """The line about a key of a config, or of a class, that does not exist."""
    near = meant_options(name, options)
    if not near and len(options) <= FEW_OPTIONS:
        return f"{name}: unknown option; valid: {', '.join(options) or 'none'}"
    return f"{name}: unknown option{_nearest(near)}"


def _stray(word: str, options: list[str]) -> str:
    """The line about a word that is the value of no option."""
    meant = (option for option, fits in _TAKES if option in options and _fits(fits, word))
    if option := next(meant, None):
        return f"'{word}' is not an option; did you mean --{option} {shlex.quote(word)}?"
    return f"'{word}' is not an option; {SEE_HELP}"


def _fits(fits: Callable[[str], object], word: str) -> bool:
    try:
        return bool(fits(word))
    except (OSError, ValueError):  # too long a name, or no config
        return False


def _is_yaml(word: str) -> bool:
    return word.endswith((".yaml", ".yml"))


def _is_run(word: str) -> bool:
    return (Path(word) / "config.yaml").is_file()


# What an option takes, for words without one; the first option that a command has is meant.
_TAKES: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("config", _is_yaml),
    ("run", _is_run),
    ("run", find_config),  # the newest run of the experiment
    ("resume", _is_run),
    ("config", find_config),
    ("input", lambda word: Path(word).is_dir()),
    ("data.root", lambda word: Path(word).is_dir()),
)


def _missing(names: str) -> str:
    if "model.network" in names:
        return "no network: give an experiment, such as --config unet_t1c.yaml"
    return f"{re.sub(r'(fit|validate|test|predict)[.]', '', names)}: required, but not given"


def _bad_value(
    key: str, value: str, message: str, parser: argparse.ArgumentParser, reason: str
) -> str:
    types = dict.fromkeys("".join(groups) for groups in _EXPECTED.findall(message))
    literals = [word for kind in types for word in re.findall("'([^']+)'", kind)]
    expected = [f"one of {', '.join(literals)}"] if literals else []
    expected += dict.fromkeys(_TYPES[kind] for kind in types if kind in _TYPES)
    classes = {path.rsplit(".", 1)[-1]: path for path in accepted_classes(parser, key)}
    near = difflib.get_close_matches(value, literals, n=1, cutoff=0.5) or [
        classes[name]
        for name in difflib.get_close_matches(value.rsplit(".", 1)[-1], classes, cutoff=0.5)
        if _is_allowed(classes[name])
    ]
    kinds = " or ".join(expected) or "a class"
    return f"{key} is '{value}', expected {kinds}{reason}{_nearest(near)}"


def _is_allowed(path: str) -> bool:
    return is_below(path, IMPORTED) and reason_against(import_object(path)) is None


def _nearest(names: list[str]) -> str:
    return f"; nearest: {', '.join(names)}" if names else ""
