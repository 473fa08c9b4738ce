"""Options that follow from others, so that nobody has to say a thing twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from data_modules.targets import TARGETS
from lightning_app.config.argv import typed_options
from lightning_app.utils.errors import UsageError


@dataclass(frozen=True)
class Link:
    """Where a value comes from.

    Attributes:
        source: the option that decides.
        compute: makes the value of the linked option from that of the source.
    """

    source: str
    compute: Callable[[Any], Any]


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not 0 <= value < 2**32:
        raise ValueError(f"seed_everything is {value}, expected a whole number from 0 to 2**32 - 1")
    return int(value)


def _channels(modalities: Sequence[str]) -> int:
    if not modalities:
        raise ValueError("data.modalities is empty, expected at least one modality")
    return len(modalities)


LINKS = {
    "model.network.init_args.in_channels": Link("data.modalities", _channels),
    "model.network.init_args.out_channels": Link("data.target", lambda t: TARGETS[t].channels),
    "model.loss.init_args.exclusive": Link("data.target", lambda t: TARGETS[t].exclusive),
    "model.target": Link("data.target", str),
    "data.seed": Link("seed_everything", _seed),
}


def refuse_linked(arguments: Sequence[str]) -> None:
    """Stop where a linked option was typed or stands in a config: it would be ignored in silence.

    Raises:
        UsageError: naming the option and the one that decides.
    """
    for target, link in LINKS.items():
        if typed_options(arguments, {target, target.replace(".init_args", "")}):
            raise UsageError(f"{target} follows from {link.source}: set that instead")
