"""Runs a command of the program in another process, which stops when this one does."""

import os
import sys

from lightning_app.commands.grid.child_process import run_in_child
from lightning_app.utils.next_command import MAIN
from lightning_app.utils.parent_process import PARENT_VARIABLE


def execute(*arguments: str) -> int:
    """Run a command of the program in another process; returns its exit code."""
    return run_in_child(_main, *arguments)


def _main(*arguments: str) -> int:
    """Do what main.py does."""
    from lightning_app.cli import main

    sys.argv = [str(MAIN), *arguments]
    os.environ.setdefault("WANDB_PROGRAM", str(MAIN))  # W&B looks for the main module's file
    os.environ.pop(PARENT_VARIABLE, None)  # of our parent, which did not start this process
    return main(list(arguments))
