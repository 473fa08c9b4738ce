"""Which classes a config may name.

To look at a class is to import its module, which runs its code. So names are checked first: only
modules of the program and of its libraries are imported, and those that the user trusts. The
classes found there are checked before anything is built (``allowed_classes.py``).
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

from lightning_app.config.allowed_classes import reason_against
from lightning_app.config.named_objects import Named, named_objects
from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import restored_parsing_settings
from lightning_app.utils.yaml_file import read_typed_yaml

SETTINGS_VARIABLE = "BRATS_SETTINGS"  # names another settings file than the usual one
# From where classes are imported: the program, and what its libraries offer for options that take
# classes. Not all of lightning.pytorch and torch, whose other modules hold nothing for an option.
IMPORTED = (
    "models", "data_modules", "callbacks", "lightning_app",
    "torch.nn", "torch.optim",
    "lightning.pytorch.accelerators", "lightning.pytorch.callbacks", "lightning.pytorch.loggers",
    "lightning.pytorch.plugins", "lightning.pytorch.profilers", "lightning.pytorch.strategies",
    "lightning.pytorch.cli.ReduceLROnPlateau", "lightning.fabric.plugins",
)  # fmt: skip

STACK = {name.split(".")[0] for name in IMPORTED}

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
    content = read_typed_yaml(path, "settings file") or {}
    if not isinstance(content, dict) or content.keys() - {"trust"}:
        raise UsageError(
            f"settings file '{path}' contains keys other than 'trust', expected trust: [NAME]"
        )
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
            import_path_allowlist=[*IMPORTED, *trusted],
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
        UsageError: a config has the option trust, or names what is not trusted.
    """
    if list(config.trust or []) != typed_trust(arguments):
        raise UsageError(
            f"a config says trust: {config.trust}, which a config may not do; if you know that "
            f"code, type --trust or write it to your settings file '{settings_file()}'"
        )
    check_named(config, trusted_names(arguments))


def check_named(config: Namespace, trusted: Sequence[str]) -> None:
    """Refuse classes and functions that a config may not name.

    Raises:
        UsageError: names the option, and the trust that is needed.
    """
    for named in named_objects(config):
        if named.is_trusted(trusted):
            continue
        if named.is_class_path and not inspect.isclass(named.value):
            raise UsageError(_not_a_class(named))
        if reason := reason_against(named.value):
            raise UsageError(
                f"{named.option} names '{named.path}', which {reason}; only if you know what this "
                f"config does with it, add --trust {named.path}"
            )


def _not_a_class(named: Named) -> str:
    """A function there would be called with any arguments that the config gives.

    The program's commands and its libraries' readers of pickles are such functions.
    """
    is_stack = named.path.partition(".")[0] in STACK
    hint = f"; only if you know that function's code, add --trust {named.path}"
    return f"{named.option} names '{named.path}', expected a class{'' if is_stack else hint}"
