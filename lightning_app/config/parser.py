"""The argument parser: bare config names, and one clear line for whatever was mistyped."""

import argparse
from typing import Any, NoReturn

import yaml
from jsonargparse._actions import ActionConfigFile
from jsonargparse._common import ImportDenied
from lightning.pytorch.cli import LightningArgumentParser

from lightning_app.config.lookup import find_config
from lightning_app.config.parser_errors import mark, one_line
from lightning_app.utils.exit_codes import printable


class NamedConfigFile(ActionConfigFile):
    """``--config``: a path, or a bare name that is looked up in configs/ and its overlays."""

    def __call__(self, parser: Any, cfg: Any, values: Any, option_string: Any = None) -> None:
        """Read the file. Raises TypeError, which becomes a parse error, where it is not one."""
        try:
            path = find_config(str(values))
            if not isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict | None):
                raise TypeError(f"config '{path}' is not a mapping of options to values")
        except ValueError as error:
            raise TypeError(str(error)) from None
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise TypeError(f"config '{path}' is not valid YAML: {reason}") from None
        super().__call__(parser, cfg, str(path), option_string)  # type: ignore[no-untyped-call]


class ExperimentParser(LightningArgumentParser):
    """A parser whose errors are one line with the nearest valid names, and exit code 2."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """End the program; the parsers that jsonargparse builds for classes raise instead."""
        line = one_line(message + _denial(ex), self._option_names())
        if not self.exit_on_error:
            raise argparse.ArgumentError(None, mark(line)) from ex
        self.exit(2, f"error: {printable(line)}\n")

    def _option_names(self) -> list[str]:
        """The options to choose the nearest from, those of the sub-command included."""
        actions = list(self._actions)
        for action in self._actions:
            if isinstance(action.choices, dict):
                for parser in action.choices.values():
                    actions += parser._actions  # noqa: SLF001 (argparse has no public list)
        return [action.dest for action in actions if action.option_strings]


def _denial(error: BaseException | None) -> str:
    """The words of a refused import behind an error, which those of a sub-config's would hide."""
    while error is not None:
        if isinstance(error, ImportDenied):
            return f"\n{error}"
        error = error.__cause__ or error.__context__
    return ""
