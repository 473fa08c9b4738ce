"""The ``runs`` command: a line for each run of a folder. Imports no torch."""

import argparse
import json
import os

from rich.console import Console

from data_modules.utils.words import counted
from lightning_app.commands.shared.runs_folder import add_runs_folder, check_runs_folder
from lightning_app.help.runs import PAGE
from lightning_app.listing.listed_run import list_ensembles, list_runs
from lightning_app.listing.order import COLUMNS, sorted_runs
from lightning_app.listing.other_folders import other_folders
from lightning_app.listing.settings import settings_of
from lightning_app.listing.table import as_json, run_table
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.exit_codes import exit_on_signals, print_stop
from lightning_app.utils.text import print_lines

_PIPE_WIDTH = 10_000  # more than a table needs: without a terminal each run is a line for grep


def run(arguments: list[str]) -> int:
    """List runs; returns the exit code."""
    options = _parser().parse(arguments)
    try:
        with exit_on_signals():
            _list(options)
    except BaseException as error:  # noqa: BLE001 (a bug is raised again)
        return print_stop(error, "the list is not complete")
    return 0


def _list(options: argparse.Namespace) -> None:
    check_runs_folder(options.runs, "runs")
    runs, ensembles = list_runs(options.runs), list_ensembles(options.runs)
    settings = settings_of(runs)
    listed = sorted_runs([*runs, *ensembles], options.sort, settings)
    if options.json:
        print(json.dumps(as_json(listed, settings), indent=2))
        return
    if listed:
        console = _console()
        console.print(run_table(listed, settings, console.width))
    others = other_folders(options.runs)
    joined = f" and {counted(len(ensembles), 'ensemble')}" if ensembles else ""
    print_lines(
        f"{counted(len(runs), 'run')}{joined} below '{options.runs}'",
        *(f"  {run.name}: {remark}" for run in listed for remark in run.remarks),
        *(f"  {other.name}: {other.reason}" for other in others),
    )


def _console() -> Console:
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    return console


def _column(text: str) -> str:
    """A column's name; JSON writes val_dice, the table val/dice."""
    return text.replace("_", "/")


def _parser() -> PlainParser:
    parser = PlainParser("runs", PAGE.summary)
    add_runs_folder(parser)
    parser.add_argument(
        "--sort",
        type=_column,
        choices=COLUMNS,
        default="age",
        metavar="COLUMN",
        help=f"the order: {', '.join(COLUMNS)}; by default %(default)s. The newest, the best and "
        "the largest come first",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a JSON list for scripts, with the full values of all options that differ",
    )
    return parser
