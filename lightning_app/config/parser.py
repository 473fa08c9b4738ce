"""The argument parser: configs by bare names, and every error in one line."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from lightning_app.config.lookup import find_config
from lightning_app.config.parser_errors import ClassOptionError, one_line
from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import ActionConfigFile
from lightning_app.utils.text import printable
from lightning_app.utils.yaml_file import read_typed_yaml


class NamedConfigFile(ActionConfigFile):
    """``--config``: a path, or a bare name in configs/ or its variants/ or overlays/."""

    def __call__(self, parser: Any, cfg: Any, values: Any, option_string: Any = None) -> None:
        """Read a config.

        Raises:
            TypeError: the file does not exist or is not a YAML mapping. The parser reports it.
            OSError: its name is too long.
        """
        try:
            path = find_config(str(values))
            if not isinstance(read_typed_yaml(path, "config"), dict | None):
                raise TypeError(f"config '{path}' is not a mapping of options to values")
        except (UsageError, ValueError) as error:
            raise TypeError(str(error)) from None
        # Absolute, because jsonargparse gives a leading ~ and file: a meaning.
        super().__call__(parser, cfg, str(path.absolute()), option_string)  # type: ignore[no-untyped-call]


class ExperimentParser(LightningArgumentParser):
    """A parser whose errors are one line with the nearest valid names, and exit code 2."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """End the program; a parser that jsonargparse builds for a class raises instead."""
        line = one_line(message, ex, self)
        if not self.exit_on_error:
            raise ClassOptionError(None, line) from ex
        self.exit(2, f"error: {printable(line)}\n")


def default_configs(files: Sequence[Path]) -> list[str]:
    """Configs as a parser's ``default_config_files``, which are patterns of names.

    Raises:
        UsageError: one cannot be read; the parser would ignore it, and all others.
    """
    for file in files:
        read_typed_yaml(file, "config")
    return [glob.escape(str(file)) for file in files]
