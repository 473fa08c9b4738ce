"""Which classes a config may name.

To look at a class is to import its module, which runs its code. So names are checked first.
"""

import argparse
import inspect
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jsonargparse import Namespace, set_parsing_settings
from platformdirs import user_config_path

from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import import_object, restored_parsing_settings
from lightning_app.utils.yaml_files import read_yaml

SETTINGS_VARIABLE = "BRATS_SETTINGS"  # names another settings file than the usual one
# The classes of the program, and what its libraries offer for options that take classes. Not all of
# lightning.pytorch and torch: they also hold functions that load pickles or import what their
# arguments name.
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
    """The user's settings: never a file of the working folder or of a run."""
    named = os.environ.get(SETTINGS_VARIABLE)
    return Path(named) if named else user_config_path("brats-lightning") / "settings.yaml"


def trusted_names(arguments: Sequence[str]) -> list[str]:
    """The modules and classes that the user trusts, by ``--trust`` or by the settings file.

    Args:
        arguments: as typed.

    Raises:
        UsageError: a name that no module can have, or a settings file that cannot be read.
    """
    path = settings_file()
    sources = {"--trust": typed_trust(arguments), f"trust in '{path}'": _settings_trust(path)}
    for source, names in sources.items():
        for name in names:
            # With jsonargparse a config could change these very rules.
            if not _NAME.fullmatch(str(name)) or str(name).partition(".")[0] == "jsonargparse":
                raise UsageError(
                    f"{source} is '{name}', expected the dotted name of a module or class, such as "
                    "monai.networks.nets"
                )
    return [name for names in sources.values() for name in names]


def typed_trust(arguments: Sequence[str]) -> list[str]:
    """The names of ``--trust`` on the command line, to which configs cannot add."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--trust", action="append", default=[])
    try:
        names: list[str] = parser.parse_known_args(arguments)[0].trust
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from None
    return names


def _settings_trust(path: Path) -> list[Any]:
    if not path.is_file():
        return []
    content = read_yaml(path, "settings file") or {}
    if not isinstance(content, dict) or content.keys() - {"trust"}:
        raise UsageError(f"settings file '{path}' holds other than trust, expected trust: [NAME]")
    names = content.get("trust") or []
    if not isinstance(names, list):
        raise UsageError(f"trust in '{path}' is '{names}', expected a list of modules or classes")
    return names


@contextmanager
def restrict_imports(trusted: Sequence[str]) -> Iterator[None]:
    """Let configs and flags name only allowed and trusted classes.

    Configs are then read from this machine only: LightningCLI also reads URLs.
    """
    with restored_parsing_settings():
        set_parsing_settings(
            import_path_denylist=["*"],
            import_path_allowlist=[*ALWAYS, *trusted],
            # Otherwise an option of any type would take a class too.
            instantiate_subclass_spec_in_any=False,
            config_read_mode_fsspec_enabled=False,
        )
        yield


def check_trust(config: Namespace, arguments: Sequence[str]) -> None:
    """Refuse a config that names more than the user trusts.

    Args:
        config: of a command, parsed; nothing of it is built yet.
        arguments: as typed.

    Raises:
        UsageError: a config has the option trust, or names a function instead of a class.
    """
    if list(config.trust or []) != typed_trust(arguments):
        raise UsageError(
            f"a config says trust: {config.trust}, which a config may not do; if you know that "
            f"code, type --trust or write it to your settings file '{settings_file()}'"
        )
    _refuse_functions(config, trusted_names(arguments))


def is_allowed(path: str, names: Sequence[str]) -> bool:
    """Whether an import path is one of the names or lies below one."""
    return any(path == name or path.startswith(f"{name}.") for name in names)


def _refuse_functions(config: Any, trusted: Sequence[str], option: str = "") -> None:
    """Refuse a function in place of a class, and a method in place of a function.

    jsonargparse would call it with any arguments that the config gives. The program's commands
    and its libraries' readers of pickles are such functions.
    """
    if isinstance(config, Namespace | dict):
        members = vars(config) if isinstance(config, Namespace) else config
        path = members.get("class_path")
        if isinstance(path, str) and not inspect.isclass(import_object(path)):
            _check_trusted(option, path, trusted)
        for key, member in members.items():
            _refuse_functions(member, trusted, f"{option}.{key}" if option else str(key))
    elif isinstance(config, list | tuple):
        for member in config:
            _refuse_functions(member, trusted, option)
    elif inspect.isroutine(config) and "." in config.__qualname__:
        _check_trusted(option, f"{config.__module__}.{config.__qualname__}", trusted)


def _check_trusted(option: str, path: str, trusted: Sequence[str]) -> None:
    if is_allowed(path, trusted):
        return
    is_stack = path.partition(".")[0] in STACK
    hint = "" if is_stack else f"; only if you know that function's code, add --trust {path}"
    raise UsageError(f"{option} names '{path}', expected a class{hint}")
