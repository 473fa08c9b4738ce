"""Whose classes a config may name.

A class is imported before it can be looked at, so this decides whose code runs.
"""

import argparse
import inspect
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace, set_parsing_settings
from jsonargparse._common import parsing_settings
from jsonargparse._util import import_object
from platformdirs import user_config_path

from lightning_app.utils.errors import UsageError

SETTINGS_VARIABLE = "BRATS_SETTINGS"  # names the settings file, where it is not in its usual place
# The program's own classes, and what the stack offers for the options that take classes. Not all of
# lightning.pytorch and torch: they also hold functions that load pickles and import what they are
# told to.
ALWAYS = (
    "models", "data_modules", "callbacks", "lightning_app",
    "torch.nn", "torch.optim",
    "lightning.pytorch.accelerators", "lightning.pytorch.callbacks", "lightning.pytorch.loggers",
    "lightning.pytorch.plugins", "lightning.pytorch.profilers", "lightning.pytorch.strategies",
    "lightning.pytorch.cli.ReduceLROnPlateau", "lightning.fabric.plugins",
)  # fmt: skip

STACK = {name.split(".")[0] for name in ALWAYS}

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def settings_file() -> Path:
    """The user's own settings: never a file of the working folder or of a run."""
    named = os.environ.get(SETTINGS_VARIABLE)
    return Path(named) if named else user_config_path("brats-lightning") / "settings.yaml"


def trusted_names(arguments: Sequence[str]) -> list[str]:
    """The modules and classes that the user trusts: those of ``--trust`` and of the settings file.

    Args:
        arguments: as they were typed.

    Raises:
        UsageError: a name that no module can have, or a settings file that cannot be read.
    """
    path = settings_file()
    places = [("--trust", typed_trust(arguments)), (f"trust in '{path}'", _settled_trust(path))]
    for place, names in places:
        for name in names:
            # jsonargparse itself would let a config change these very rules.
            if not _NAME.fullmatch(str(name)) or str(name).partition(".")[0] == "jsonargparse":
                raise UsageError(
                    f"{place} is '{name}', expected the dotted name of a module or class, such as "
                    "monai.networks.nets"
                )
    return [name for _, names in places for name in names]


def typed_trust(arguments: Sequence[str]) -> list[str]:
    """What ``--trust`` names on the command line, which configs cannot add to."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--trust", action="append", default=[])
    try:
        names: list[str] = parser.parse_known_args(arguments)[0].trust
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from None
    return names


def _settled_trust(path: Path) -> list[Any]:
    if not path.is_file():
        return []
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"settings file '{path}' cannot be read: {reason}") from None
    if not isinstance(content, dict) or content.keys() - {"trust"}:
        raise UsageError(f"settings file '{path}' holds other than trust, expected trust: [NAME]")
    names = content.get("trust") or []
    if not isinstance(names, list):
        raise UsageError(f"trust in '{path}' is '{names}', expected a list of modules or classes")
    return names


@contextmanager
def restrict_imports(trusted: Sequence[str]) -> Iterator[None]:
    """Let configs and flags name no other classes than the program's, the stack's and these.

    Configs are then read from this machine alone: LightningCLI also allows addresses.
    """
    before = dict(parsing_settings)
    set_parsing_settings(
        import_path_denylist=["*"],
        import_path_allowlist=[*ALWAYS, *trusted],
        # Otherwise an option of any type would take a class too.
        instantiate_subclass_spec_in_any=False,
        config_read_mode_fsspec_enabled=False,
    )
    try:
        yield
    finally:
        parsing_settings.update(before)


def check_trust(config: Namespace, arguments: Sequence[str]) -> None:
    """Stop where a config takes more than the user gives.

    Args:
        config: of a command, parsed, nothing of it built yet.
        arguments: as they were typed.

    Raises:
        UsageError: a config says whom to trust, or names a function as if it were a class.
    """
    if list(config.trust or []) != typed_trust(arguments):
        raise UsageError(
            f"a config says trust: {config.trust}, which is not for a config to say; if you know "
            f"that code, type --trust or write it to your settings file '{settings_file()}'"
        )
    _refuse_functions(config, trusted_names(arguments))


def _refuse_functions(config: Any, trusted: Sequence[str], name: str = "") -> None:
    """Stop where a config names a function as if it were a class, or a method as a function.

    jsonargparse would call it with any arguments that the config gives: the program's own commands
    and the stack's readers of pickles are such functions.
    """
    if isinstance(config, Namespace | dict):
        members = vars(config) if isinstance(config, Namespace) else config
        path = members.get("class_path")
        if isinstance(path, str) and not inspect.isclass(import_object(path)):
            _check_trusted(name, path, trusted)
        for key, member in members.items():
            _refuse_functions(member, trusted, f"{name}.{key}" if name else str(key))
    elif isinstance(config, list | tuple):
        for member in config:
            _refuse_functions(member, trusted, name)
    elif inspect.isroutine(config) and "." in config.__qualname__:
        _check_trusted(name, f"{config.__module__}.{config.__qualname__}", trusted)


def _check_trusted(name: str, path: str, trusted: Sequence[str]) -> None:
    if any(path == one or path.startswith(f"{one}.") for one in trusted):
        return
    own = path.partition(".")[0] not in STACK
    hint = f"; only if you know that function's code, add --trust {path}" if own else ""
    raise UsageError(f"{name} names '{path}', expected a class{hint}")
