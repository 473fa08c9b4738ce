"""Numbers that no training can be made with, refused before any work."""

import math
from collections.abc import Iterator
from typing import Any

from jsonargparse import Namespace

from lightning_app.config.diff import to_plain
from lightning_app.utils.errors import UsageError

GROUPS = ("data", "model", "optimizer", "lr_scheduler")  # elsewhere infinity may mean never
_RATE = "optimizer.init_args.lr"


def check_numbers(config: Namespace) -> None:
    """Stop where a number is NaN or infinite, or the learning rate not above 0.

    Raises:
        UsageError: naming the option.
    """
    for group in GROUPS:
        for option, number in _floats(to_plain(config.get(group)), group):
            if not math.isfinite(number):
                raise UsageError(f"{option} is {number}, expected a finite number")
            if option == _RATE and number <= 0:
                raise UsageError(f"{option} is {number}, expected a number above 0")


def _floats(value: Any, name: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        yield name, value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _floats(member, f"{name}.{key}")
    elif isinstance(value, list):
        for member in value:
            yield from _floats(member, name)
