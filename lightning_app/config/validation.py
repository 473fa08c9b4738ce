"""Refuses numbers that no training can use, before any work.

The types of the options cannot: most belong to classes of torch, which take any float.
"""

import math
from typing import Any

from jsonargparse import Namespace

from lightning_app.config.diff import to_plain
from lightning_app.utils.errors import UsageError

GROUPS = ("data", "model", "optimizer", "lr_scheduler")  # elsewhere infinity may mean never
_RATE = "optimizer.init_args.lr"


def check_numbers(config: Namespace) -> None:
    """Check that all numbers are finite and that the learning rate is positive.

    Raises:
        UsageError: one is not; names the option.
    """
    for group in GROUPS:
        _check(to_plain(config.get(group)), group)


def _check(value: Any, option: str) -> None:
    if isinstance(value, dict):
        for key, member in value.items():
            _check(member, f"{option}.{key}")
    elif isinstance(value, list):
        for member in value:
            _check(member, option)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{option} is {value}, expected a finite number")
    elif option == _RATE and isinstance(value, float) and value <= 0:
        raise UsageError(f"{option} is {value}, expected a number above 0")
