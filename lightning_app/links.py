"""Options that follow from others, so that nobody has to say a thing twice."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from data_modules.targets import TARGETS
from lightning_app.configs import find_config
from lightning_app.errors import UsageError


@dataclass(frozen=True)
class Link:
    """Where a value comes from.

    Attributes:
        source: the option that decides.
        compute: makes the value of the linked option from that of the source.
    """

    source: str
    compute: Callable[[Any], Any]


def _seed(value: Any) -> int:  # noqa: ANN401 (a number or true)
    if isinstance(value, bool) or not 0 <= value < 2**32:
        raise ValueError(f"seed_everything is {value}, expected a whole number from 0 to 2**32 - 1")
    return int(value)


LINKS = {
    "model.network.init_args.in_channels": Link("data.modalities", len),
    "model.network.init_args.out_channels": Link("data.target", lambda t: TARGETS[t].channels),
    "model.loss.init_args.exclusive": Link("data.target", lambda t: TARGETS[t].exclusive),
    "model.target": Link("data.target", str),
    "data.seed": Link("seed_everything", _seed),
}


def refuse_linked(arguments: Iterable[str]) -> None:
    """Stop where a linked option was typed or stands in a config: it would be ignored in silence.

    Raises:
        UsageError: naming the option and the one that decides.
    """
    arguments = list(arguments)
    typed = {word.split("=")[0].lstrip("-") for word in arguments if word.startswith("--")}
    for place, word in enumerate(arguments):
        if word in {"-c", "--config"} and place + 1 < len(arguments):
            typed |= _keys_of_file(arguments[place + 1])
        elif word.startswith("--config="):
            typed |= _keys_of_file(word.removeprefix("--config="))
    for target, link in LINKS.items():
        if typed & {target, target.replace(".init_args", "")}:
            raise UsageError(f"{target} follows from {link.source}: set that instead")


def _keys_of_file(name: str) -> set[str]:
    try:
        return set(_dotted(yaml.safe_load(find_config(name).read_text(encoding="utf-8"))))
    except (OSError, ValueError, yaml.YAMLError):
        return set()  # not there, or unreadable, which the parser will say


def _dotted(content: Any, prefix: str = "") -> Iterable[str]:  # noqa: ANN401 (any YAML)
    if isinstance(content, dict):
        for key, value in content.items():
            yield f"{prefix}{key}"
            yield from _dotted(value, f"{prefix}{key}.")
