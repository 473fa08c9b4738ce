"""Carry out a command that needs torch, and end as a command should."""

import os
import sys

from lightning_app.commands.experiment_cli import ExperimentCLI
from lightning_app.commands.prepare import prepare
from lightning_app.commands.reproduce import reproduce
from lightning_app.commands.shared.run_selection import select_run
from lightning_app.config.import_allowlist import restrict_imports, trusted_names
from lightning_app.runs.folder import Run, new_run
from lightning_app.runs.ranks import share_run, shared_run
from lightning_app.runs.status import read_status
from lightning_app.utils.exit_codes import exit_code_and_line, exit_on_sigterm
from lightning_app.utils.logging import configure_logging, is_rank_zero


def run(arguments: list[str]) -> int:
    """Carry out prepare, fit, validate, test, predict or reproduce.

    Args:
        arguments: the command and its options.

    Returns:
        The exit code.
    """
    configure_logging()
    # W&B adds its own notes to the options of a sweep's trial that it starts again.
    arguments = [word for word in arguments if not word.startswith("--_wandb=")]
    folder = None
    try:
        with exit_on_sigterm(), restrict_imports(trusted_names(arguments)):
            if arguments[0] == "prepare":
                return prepare(arguments[1:])
            if arguments[0] == "reproduce":
                return reproduce(arguments[1:])
            early = select_run(arguments)
            folder = early.run or shared_run() or new_run(early.root, early.experiment)
            with share_run(folder):
                ExperimentCLI(arguments, early, folder)
    except BaseException as error:  # noqa: BLE001 (what is no message to a user is raised again)
        code, line = exit_code_and_line(error)
        if is_rank_zero() or not isinstance(error, SystemExit):
            print(line, file=sys.stderr)
        trained = arguments[0] == "fit" and folder is not None and _has_trained(folder)
        if folder is not None and trained and folder.last.is_file():
            print(f"To go on: python main.py fit --resume {folder.path}", file=sys.stderr)
        return code
    return 0


def _has_trained(run: Run) -> bool:
    """Whether it was this process that trained a run last."""
    return read_status(run).get("pid") == os.getpid()
