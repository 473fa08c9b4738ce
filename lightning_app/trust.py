"""Whose classes a config may name. A class is imported before it can be looked at, so this decides
whose code runs.
"""

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

from lightning_app.errors import UsageError

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


def trusted_names(typed: Sequence[str]) -> tuple[str, ...]:
    """The modules and classes that the user trusts.

    Args:
        typed: those of ``--trust``; the settings file's are added.

    Raises:
        UsageError: a name that no module can have, or a settings file that cannot be read.
    """
    path = settings_file()
    places = [("--trust", typed), (f"trust in '{path}'", _trusted_by_settings(path))]
    for place, names in places:
        for name in names:
            if not _NAME.fullmatch(str(name)) or str(name).split(".")[0] == "jsonargparse":
                raise UsageError(
                    f"{place} is '{name}', expected the dotted name of a module or class, such as "
                    "monai.networks.nets"
                )
    return tuple(name for _, names in places for name in names)


def _trusted_by_settings(path: Path) -> list[Any]:
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
def importing_only(trusted: Sequence[str]) -> Iterator[None]:
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


def refuse_trust_of_configs(read: Sequence[str] | None, typed: Sequence[str]) -> None:
    """Stop where a config says whom to trust: that is for the user to say.

    Raises:
        UsageError: the parser found other names than were typed.
    """
    if list(read or []) != list(typed):
        raise UsageError(
            f"a config says trust: {read}, which is not for a config to say; if you know that "
            f"code, type --trust or write it to your settings file '{settings_file()}'"
        )


def refuse_functions(config: Any, trusted: Sequence[str], name: str = "") -> None:  # noqa: ANN401 (any option)
    """Stop where a config names a function as if it were a class, or a method as a function.

    jsonargparse would call it with any arguments that the config gives: the program's own commands
    and the stack's readers of pickles are such functions.

    Args:
        config: parsed, nothing of it built yet.
        trusted: modules and classes whose functions may be named.
        name: dotted name of the option that holds it.

    Raises:
        UsageError: naming the option and the function.
    """
    if isinstance(config, Namespace | dict):
        members = vars(config) if isinstance(config, Namespace) else config
        path = members.get("class_path")
        if isinstance(path, str) and not inspect.isclass(import_object(path)):
            _check_trusted(name, path, trusted)
        for key, member in members.items():
            refuse_functions(member, trusted, f"{name}.{key}" if name else str(key))
    elif isinstance(config, list | tuple):
        for member in config:
            refuse_functions(member, trusted, name)
    elif inspect.isroutine(config) and "." in config.__qualname__:
        _check_trusted(name, f"{config.__module__}.{config.__qualname__}", trusted)


def _check_trusted(name: str, path: str, trusted: Sequence[str]) -> None:
    if any(path == one or path.startswith(f"{one}.") for one in trusted):
        return
    own = path.split(".")[0] not in STACK
    hint = f"; only if you know that function's code, add --trust {path}" if own else ""
    raise UsageError(f"{name} names '{path}', expected a class{hint}")
