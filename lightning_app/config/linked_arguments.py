"""Options whose values follow from others."""

import glob
from collections.abc import Sequence
from itertools import chain
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from data_modules.targets import TARGETS
from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import unlinked


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not 0 <= value < 2**32:
        raise ValueError(f"seed_everything is {value}, expected a whole number from 0 to 2**32 - 1")
    return int(value)


def _channels(modalities: Sequence[str]) -> int:
    if not modalities:
        raise ValueError("data.modalities is empty, expected at least one modality")
    return len(modalities)


# By linked option: the option that it follows from, and how.
LINKS = {
    "model.network.init_args.in_channels": ("data.modalities", _channels),
    "model.network.init_args.out_channels": ("data.target", lambda t: TARGETS[t].channels),
    "model.loss.init_args.exclusive": ("data.target", lambda t: TARGETS[t].exclusive),
    "model.target": ("data.target", None),
    "data.seed": ("seed_everything", _seed),
}


def add_links(parser: LightningArgumentParser) -> None:
    """Link the options."""
    for target, (source, compute) in LINKS.items():
        parser.link_arguments(source, target, compute_fn=compute)


def typed_options(parser: LightningArgumentParser, arguments: Sequence[str]) -> Namespace:
    """The options that configs and flags give, without defaults and links.

    Args:
        parser: of the command.
        arguments: options that the parser has accepted.
    """
    files = chain.from_iterable(map(glob.glob, parser.default_config_files))
    configs = [f"--config={file}" for file in files]
    with unlinked():
        typed: Namespace = parser.parse_args([*configs, *arguments], defaults=False)
    return typed


def refuse_linked(typed: Namespace) -> None:
    """Refuse a value for a linked option, which jsonargparse ignores if it is in a config.

    Raises:
        UsageError: names the option and its source.
    """
    for target, (source, _) in LINKS.items():
        if target in typed:
            raise UsageError(f'Linked "{target}" must be given via "{source}".')
