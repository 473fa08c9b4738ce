"""Carry out a command that needs torch, and end as a command should."""

import os
import sys

from lightning_app.early import look_ahead
from lightning_app.endings import ending_on_sigterm, exit_code_and_line
from lightning_app.quiet import quieten
from lightning_app.run_status import read_status
from lightning_app.runs import Run, new_run
from lightning_app.training_cli import ExperimentCLI


def run(arguments: list[str]) -> int:
    """Carry out fit, validate, test or predict.

    Args:
        arguments: the command and its options.

    Returns:
        The exit code.
    """
    quieten()
    # W&B adds its own notes to the options of a sweep's trial that it starts again.
    arguments = [word for word in arguments if not word.startswith("--_wandb=")]
    folder = None
    try:
        with ending_on_sigterm():
            early = look_ahead(arguments)
            folder = early.run or new_run(early.root, early.experiment)
            ExperimentCLI(arguments, early, folder)
    except BaseException as error:  # noqa: BLE001 (what is no message to a user is raised again)
        code, line = exit_code_and_line(error)
        print(line, file=sys.stderr)
        if folder is not None and _has_trained(folder) and folder.last.is_file():
            print(f"To go on: python main.py fit --resume {folder.path}", file=sys.stderr)
        return code
    return 0


def _has_trained(run: Run) -> bool:
    """Whether it was this process that trained a run last."""
    return read_status(run).get("pid") == os.getpid()
