"""Runs a command that reads configs: logging, signals, allowed imports, exit code."""

import sys
from collections.abc import Callable

from lightning_app.config.import_allowlist import restrict_imports, trusted_names
from lightning_app.utils.exit_codes import exit_code_and_line, exit_on_signals
from lightning_app.utils.logging import configure_logging, is_rank_zero
from lightning_app.utils.text import print_lines


def run_session(command: Callable[[list[str]], int], arguments: list[str]) -> int:
    """Run a command and turn what stops it into an exit code and a line.

    Args:
        command: takes the options and returns the exit code. Notes that it adds to an exception are
            printed below the line.
        arguments: the options as typed.

    Returns:
        The exit code.
    """
    configure_logging()
    # W&B adds notes of its own to the options when it restarts a trial of a sweep.
    arguments = [word for word in arguments if not word.startswith("--_wandb=")]
    try:
        with exit_on_signals(), restrict_imports(trusted_names(arguments)):
            return command(arguments)
    except BaseException as error:  # noqa: BLE001 (a bug is raised again by exit_code_and_line)
        code, line = exit_code_and_line(error)
        if is_rank_zero() or not isinstance(error, SystemExit):
            lines = (line, *getattr(error, "__notes__", []))
            print_lines(*filter(None, lines), file=sys.stderr)
        return code
