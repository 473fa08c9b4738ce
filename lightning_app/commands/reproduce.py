"""The ``reproduce`` command: train and test the experiments that are missing, then report."""

import argparse
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from data_modules.catalog.folds import FEWEST_FOLDS
from data_modules.utils.errors import DataError
from lightning_app.commands.grid.cells import Cell, WantedRun, cells
from lightning_app.commands.grid.child_command import execute
from lightning_app.commands.grid.companions import COMPANION, companions
from lightning_app.commands.grid.outcomes import Outcomes
from lightning_app.commands.shared.session import run_session
from lightning_app.help import reproduce
from lightning_app.results.partial_test import is_partial
from lightning_app.results.test_record import is_complete, read_test
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run
from lightning_app.runs.status import is_alive, is_finished
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.errors import UsageError
from lightning_app.utils.next_command import command_line
from lightning_app.utils.text import print_lines

WAIT_S = 5.0
_SIZES = "--data.split_sizes"


def run(arguments: list[str]) -> int:
    """Train and test all experiments.

    Args:
        arguments: the options.

    Returns:
        The exit code: 0 all succeeded, 1 an experiment failed, or that of an interruption.
    """
    return run_session(_reproduce, arguments)


def _reproduce(arguments: list[str]) -> int:
    parser = _parser()
    parsed, options = parser.parse_known_args(arguments)
    if parsed.folds and any(word.split("=")[0] == _SIZES for word in options):
        parser.error(f"--folds and {_SIZES} are given: expected only one of them")
    grid = cells(parsed.experiments, parsed.seeds, options, parsed.folds)
    outcomes = Outcomes(len(grid), min(parsed.jobs, len(grid)))
    if code := _carry_out(grid, outcomes, arguments):
        print("Interrupted: the same command continues from here", file=sys.stderr)
        return code
    outcomes.show()
    if parsed.companion:
        return int(any(outcomes.codes.values()))
    reported = [execute("report", str(root)) for root in outcomes.roots]
    if not any((*outcomes.codes.values(), *reported)):
        return 0
    print_lines(f"Try again what failed: {command_line('reproduce', *arguments)}")
    return 1


def _carry_out(grid: Sequence[Cell], outcomes: Outcomes, arguments: Sequence[str]) -> int:
    """Train and test what is missing; the exit code of an interruption, else 0."""
    left_out: dict[Path, str] = {}
    with ExitStack() as stack:
        for cell, wanted in _available(grid, outcomes):
            if not outcomes.roots:  # the first cell has prepared the data
                stack.enter_context(companions(outcomes.jobs, arguments, wanted.root))
            outcomes.roots.add(wanted.root)
            new = {path: why for path, why in wanted.unreadable.items() if path not in left_out}
            left_out |= new
            print_lines(*(f"Left out: run '{path}': {why}" for path, why in new.items()))
            with outcomes.timed(cell):
                code = outcomes.codes[cell] = _complete(cell, wanted)
            if code > 128:
                return code
    return 0


def _available(grid: Sequence[Cell], outcomes: Outcomes) -> Iterator[tuple[Cell, WantedRun]]:
    """The cells in turn; a cell that another process trains comes when that process has ended.

    A cell whose data cannot be used has failed and is left out.
    """
    waiting = deque(grid)
    elsewhere: set[Cell] = set()
    while waiting:
        cell = waiting.popleft()
        try:
            wanted = WantedRun(cell)
        except DataError as error:
            print_lines(f"{cell}: {error}", file=sys.stderr)
            outcomes.codes[cell] = 2
            continue
        with wanted.claimed() as is_claimed:
            run = wanted.find()
            if is_claimed and (run is None or not is_alive(run)):
                elsewhere.discard(cell)
                yield cell, wanted
                continue
        if cell not in elsewhere:
            print_lines(f"{cell} is being trained by another process: waiting for that process")
        elsewhere.add(cell)
        waiting.append(cell)
        if elsewhere.issuperset(waiting):
            time.sleep(WAIT_S)


def _complete(cell: Cell, wanted: WantedRun) -> int:
    """Train and test a cell unless that is done; the exit code of the first failure, else 0."""
    run = wanted.find()
    if run is None or not is_finished(run):
        which = cell.naming if run is None else ["--resume", str(run.path)]
        if code := execute("fit", *which, *cell.arguments):
            return code
        run = wanted.find()
    if run is None:
        raise UsageError(f"{cell}: its training succeeded, but left no run in '{wanted.root}'")
    if _is_tested(run):
        print_lines(f"Finished and tested: {run.path}")
        return 0
    return execute("test", "--run", str(run.path), *cell.trust)


def _is_tested(run: Run) -> bool:
    """Whether the run's best weights were tested on the whole split, and not earlier ones.

    A test stays valid if the weights were deleted after it to save disk space.
    """
    try:
        test = read_test(run.test())
        if not is_complete(run.test()) or is_partial(run):
            return False
        if not run.best.is_file():
            return True
        if test.data.omits_blank_slices:
            return False
        return bool(test.epoch == read_checkpoint(run.best, memory_map=True).get("epoch"))
    except (OSError, UsageError):  # a test will say what is wrong
        return False


def _parser() -> argparse.ArgumentParser:
    parser = PlainParser("reproduce", reproduce.PAGE.summary)
    parser.add_argument(
        "--experiment",
        "--only",
        dest="experiments",
        metavar="NAME",
        action="append",
        default=[],
        help="a config, by its path or its bare name as for --config; may be repeated; by default "
        "the twelve experiments of the paper",
    )
    parser.add_argument(
        "--seeds",
        type=_at_least(1),
        default=1,
        help="trainings of each experiment, with seeds from 0",
    )
    parser.add_argument(
        "--folds",
        type=_at_least(FEWEST_FOLDS),
        help="cross-validation: each experiment is trained and tested for each of so many folds, "
        "in which every patient is tested once",
    )
    parser.add_argument(
        "--jobs",
        type=_at_least(1),
        default=1,
        help="how many experiments are trained at a time, each with its share of the cores and "
        "with memory of its own",
    )
    parser.add_argument(COMPANION, action="store_true", help=argparse.SUPPRESS)
    for option, of in (
        ("seed_everything", "seeds"),
        ("data.folds", "folds"),
        ("data.fold", "folds"),
    ):
        parser.add_argument(f"--{option}", action=_Refused, const=of, help=argparse.SUPPRESS)
    return parser


def _at_least(minimum: int) -> Callable[[str], int]:
    """What parses a whole number that is not below a minimum."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"{text}, expected a whole number from {minimum} up")
        return int(text)

    return parse


class _Refused(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Name the option to use instead."""
        parser.error(f"{self.option_strings[0]} follows from --{self.const}")
