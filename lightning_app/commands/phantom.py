"""The ``phantom`` command: write a data set of synthetic patients."""

import argparse
from pathlib import Path

from data_modules.phantom.dataset import write_phantom
from data_modules.phantom.options import PhantomOptions
from data_modules.utils.words import counted
from lightning_app.help import phantom
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.errors import UsageError
from lightning_app.utils.exit_codes import exit_on_signals, print_stop
from lightning_app.utils.next_command import command_line
from lightning_app.utils.text import print_lines


def run(arguments: list[str]) -> int:
    """Write a phantom; returns the exit code."""
    options = _parser().parse(arguments)
    try:
        with exit_on_signals():
            cases = _write(options)
    except BaseException as error:  # noqa: BLE001 (a bug is raised again)
        return print_stop(error, "the same command continues from here")
    # Absolute: the word phantom alone would be the built-in phantom, not a folder of that name.
    root = str(options.output.absolute())
    train = command_line("fit", "--config", "unet_t2f.yaml", "--data.root", root)
    print_lines(
        f"{counted(len(cases), 'case')} of {counted(options.depth, 'slice')} in {options.output}",
        f"Train on them: {train}",
    )
    return 0


def _write(options: argparse.Namespace) -> list[str]:
    try:
        return write_phantom(
            options.output, options.cases, options.depth, options.seed, options.processes
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def _parser() -> PlainParser:
    parser = PlainParser("phantom", phantom.PAGE.summary)
    default = PhantomOptions()
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--cases", type=int, default=default.cases, help="scans, by default %(default)s"
    )
    parser.add_argument(
        "--depth",
        type=int,
        default=default.depth,
        help="slices per scan, 1 to 155, by default %(default)s",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=default.seed,
        help="random seed, by default %(default)s",
    )
    parser.add_argument(
        "--processes", type=int, help="number of processes, by default one for each core"
    )
    return parser
