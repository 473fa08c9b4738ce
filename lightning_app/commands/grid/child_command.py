"""Runs a command of the program in another process, which stops when this one does."""

import os
import runpy
import sys

from lightning_app.commands.grid.child_process import run_in_child
from lightning_app.utils.next_command import MAIN
from lightning_app.utils.parent_process import PARENT_VARIABLE


def execute(*arguments: str) -> int:
    """Run a command of the program in another process; returns its exit code."""
    return run_in_child(_main, str(MAIN), *arguments)


def _main(script: str, *arguments: str) -> int:
    sys.argv = [script, *arguments]
    os.environ.pop(PARENT_VARIABLE, None)  # of our parent, which did not start this process
    runpy.run_path(script, run_name="__main__")
    return 0
