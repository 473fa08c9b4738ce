"""What a new run is called: the experiment after which its folder is named."""

from argparse import ArgumentError
from collections.abc import Sequence
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from lightning_app.config.diff import to_plain
from lightning_app.config.linked_arguments import typed_options
from lightning_app.config.option_policy import FIXED
from lightning_app.utils.private_api import raising_parser


def name_remark(
    experiment: str, configs: Sequence[str], config: Namespace, parser: LightningArgumentParser
) -> str | None:
    """A line if a run is not the experiment that it is named after; None if it is.

    Args:
        experiment: the name.
        configs: the configs that the user named; the run is named after the first.
        config: the options of the run.
        parser: of the command.
    """
    try:
        with raising_parser(parser):
            named = typed_options(parser, [f"--config={name}" for name in configs[:1]])
    except ArgumentError:  # an overlay, which is no experiment by itself
        return None
    before, now = ({option: _identity(c.get(option)) for option in FIXED} for c in (named, config))
    changes = [
        f"{option} is {now[option]}, not {before[option]}"
        for option in FIXED
        if before[option] is not None and now[option] != before[option]
    ]
    if not changes:
        return None
    return (
        f"The run is named after {experiment}, but {' and '.join(changes)}: "
        "--name NAME gives it another name"
    )


def _identity(value: Any) -> str | None:
    """A value as text; of a network its class alone, whatever its widths."""
    plain = to_plain(value)
    if isinstance(plain, dict):
        plain = plain.get("class_path")
    return None if plain is None else str(plain)
