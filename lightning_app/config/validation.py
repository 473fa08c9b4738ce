"""Refuses options that no run can use, before any work.

The types of the options cannot: most belong to classes of torch, which take any float.
"""

import math
from typing import Any

from jsonargparse import Namespace

from lightning_app.config.diff import to_plain
from lightning_app.utils.errors import UsageError

GROUPS = ("data", "model", "optimizer", "lr_scheduler")  # elsewhere infinity may mean never
_RATE = "optimizer.init_args.lr"
_LARGEST_FLOAT = 3.4e38  # of 32 bits; torch raises an error for more
# The smallest value of options of Lightning's that it divides by or counts up to unchecked.
_COUNTS = {
    "trainer.accumulate_grad_batches": 1,
    "trainer.check_val_every_n_epoch": 1,
    "trainer.max_epochs": -1,
    "trainer.max_steps": -1,
}
_LARGEST_COUNT = 2**63 - 1
# Options of Lightning's that a run cannot do without, by their only possible value.
_SWITCHES = {"trainer.barebones": False, "trainer.enable_checkpointing": True}


def check_numbers(config: Namespace) -> None:
    """Check that all numbers are finite, that the rate is positive, and that counts are possible.

    Raises:
        UsageError: one is not; names the option.
    """
    for group in GROUPS:
        _check(to_plain(config.get(group)), group)
    for option, least in _COUNTS.items():
        count = config.get(option)
        if isinstance(count, int) and not least <= count <= _LARGEST_COUNT:
            raise UsageError(f"{option} is {count}, expected {least} to 2**63 - 1")


def check_switches(config: Namespace) -> None:
    """Check that checkpoints and scores are not switched off.

    Raises:
        UsageError: they are; names the option.
    """
    for option, expected in _SWITCHES.items():
        if config.get(option) is (not expected):
            raise UsageError(
                f"{option} is {str(not expected).lower()}, expected {str(expected).lower()}: a run "
                "keeps checkpoints, which are chosen by a score"
            )


def _check(value: Any, option: str) -> None:
    if isinstance(value, dict):
        for key, member in value.items():
            _check(member, f"{option}.{key}")
    elif isinstance(value, list):
        for member in value:
            _check(member, option)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{option} is {value}, expected a finite number")
    elif isinstance(value, float) and abs(value) > _LARGEST_FLOAT:
        raise UsageError(f"{option} is {value}, expected at most {_LARGEST_FLOAT}")
    elif option == _RATE and isinstance(value, float) and value <= 0:
        raise UsageError(f"{option} is {value}, expected a number above 0")
