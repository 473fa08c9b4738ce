"""Options of Lightning's Trainer that limit a command to a part of its batches.

Imports neither torch nor Lightning: a report reads the configs of runs without them.
"""

import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from lightning_app.utils.text import printable
from lightning_app.utils.yaml_file import get_option

# By command the options that limit it.
LIMITS = {
    "fit": (
        "trainer.fast_dev_run",
        "trainer.overfit_batches",
        "trainer.limit_train_batches",
        "trainer.limit_val_batches",
    ),
    "validate": ("trainer.fast_dev_run", "trainer.overfit_batches", "trainer.limit_val_batches"),
    "test": ("trainer.fast_dev_run", "trainer.limit_test_batches"),
    "predict": ("trainer.fast_dev_run", "trainer.limit_predict_batches"),
}
# Options that may end a training before its last epoch.
ENDS = ("trainer.max_steps", "trainer.max_time")


def limits(command: str, config: Any) -> dict[str, Any]:
    """The options in the content of a config that limit a command, with their values."""
    values = {option: get_option(config, option) for option in LIMITS[command]}
    return {option: value for option, value in values.items() if _is_limit(option, value)}


def end_limits(config: Any) -> dict[str, Any]:
    """The options in the content of a config that may end a training early, with their values.

    Without a number of epochs they are its length.
    """
    epochs = get_option(config, "trainer.max_epochs")
    if not isinstance(epochs, int) or epochs < 0:
        return {}
    values = {option: get_option(config, option) for option in ENDS}
    return {option: value for option, value in values.items() if value not in (None, -1)}


def limits_in_words(found: Mapping[str, Any]) -> str:
    """Options with their values, such as "trainer.limit_val_batches is 1"; never a long text."""
    return ", ".join(f"{option} is {_shown(value)}" for option, value in found.items())


def lift(options: Iterable[str]) -> list[str]:
    """The command line that switches limits off."""
    return [f"--{option}={_OFF.get(option, 'null')}" for option in options]


# The values of options that do not limit; for all others null or 1.0, and 0 means no batch at all.
_OFF = {"trainer.fast_dev_run": "false", "trainer.overfit_batches": "0.0"}


def _is_limit(option: str, value: Any) -> bool:
    if option in _OFF:
        return bool(value)
    return value is not None and not (isinstance(value, float) and value == 1.0)


def _shown(value: Any) -> str:
    return printable(value if isinstance(value, str) and len(value) < 40 else reprlib.repr(value))
