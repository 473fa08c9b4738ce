"""The parser of the commands that take no configs."""

import argparse
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn

from lightning_app.utils.option_hints import unknown_option
from lightning_app.utils.text import printable


class PlainParser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line, and which does not complete option names."""

    def __init__(self, command: str, description: str) -> None:
        self._names: list[str] = []
        super().__init__(
            prog=f"python main.py {command}",
            description=description,
            allow_abbrev=False,
            add_help=False,  # lightning_app/help has what --help prints
        )
        self.add_argument("--help-all", action="help", help="list every option")

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Add an argument, and remember the names of an option."""
        action = super().add_argument(*names, **settings)
        self._names += [name.removeprefix("--") for name in action.option_strings]
        return action

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse; an unknown option is reported before a missing one, which it may stand for."""
        for word in takewhile(lambda word: word != "--", arguments):
            name = word.partition("=")[0]
            if name.startswith("--") and name.removeprefix("--") not in self._names:
                self.error(unknown_option(name, self._names))
        return self.parse_args(arguments)

    def error(self, message: str) -> NoReturn:
        """End the program with exit code 2."""
        self.exit(2, f"error: {printable(message)}\n")
