"""The parser of the commands that take no configs."""

import argparse
from typing import NoReturn

from lightning_app.utils.text import printable


class PlainParser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line, and which does not complete option names."""

    def __init__(self, command: str, description: str) -> None:
        super().__init__(
            prog=f"python main.py {command}",
            description=description,
            allow_abbrev=False,
            add_help=False,  # lightning_app/help has what --help prints
        )
        self.add_argument("--help-all", action="help", help="list every option")

    def error(self, message: str) -> NoReturn:
        """End the program with exit code 2."""
        self.exit(2, f"error: {printable(message)}\n")
