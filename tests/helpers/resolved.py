"""The resolved config of a command line, without data."""

import warnings
from typing import Any

from lightning_app.commands.shared.data_cli import DataCLI
from lightning_app.config.diff import to_plain


def resolved(*arguments: str) -> dict[str, Any]:
    """The options after parsing, with everything that follows from others filled in.

    Args:
        arguments: the options, without a network.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of LightningCLI's own calls
        cli = DataCLI(["--model.network=models.UNet", *arguments], "prepare")
    config: dict[str, Any] = to_plain(cli.config)
    return config
