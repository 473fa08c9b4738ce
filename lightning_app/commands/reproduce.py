"""The ``reproduce`` command: train and test what is missing of the paper's grid, then report."""

import argparse
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from data_modules.utils.errors import DataError
from lightning_app.commands.experiment_grid import EXPERIMENTS, Cell, Wanted, cells
from lightning_app.results.test_record import epoch_of_test
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run
from lightning_app.runs.status import is_alive, is_finished
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.errors import UsageError
from lightning_app.utils.exit_codes import printable

MAIN = Path(__file__).resolve().parents[2] / "main.py"
WAIT_S = 5.0


def reproduce(arguments: list[str]) -> int:
    """Bring the grid to its end.

    Returns:
        The exit code: 0 all is there, 1 an experiment failed, or that of an interruption.
    """
    known, options = _parser().parse_known_args(arguments)
    grid = cells(known.only, known.seeds, options)
    outcomes = _Outcomes(len(grid))
    roots = set()
    for cell, wanted in _in_turn(grid, outcomes):
        roots.add(wanted.root)
        with outcomes.of(cell):
            code = outcomes.codes[cell] = _bring_to_its_end(cell, wanted)
        if code > 128:
            print("Interrupted: the same command goes on where this one stopped", file=sys.stderr)
            return code
    outcomes.show()
    reported = [_execute("report", str(root)) for root in roots]
    return 1 if any((*outcomes.codes.values(), *reported)) else 0


def _in_turn(grid: Sequence[Cell], outcomes: "_Outcomes") -> Iterator[tuple[Cell, Wanted]]:
    """The cells that can be worked on; those that another process trains come when it has ended.

    A cell whose data cannot be used has failed.
    """
    waiting = deque(grid)
    elsewhere: set[Cell] = set()
    while waiting:
        cell = waiting.popleft()
        try:
            wanted = Wanted(cell)
        except DataError as error:
            print(f"{cell}: {printable(str(error))}", file=sys.stderr)
            outcomes.codes[cell] = 2
            continue
        with wanted.claimed() as is_claimed:
            run = wanted.run()
            if is_claimed and (run is None or not is_alive(run)):
                elsewhere.discard(cell)
                yield cell, wanted
                continue
        if cell not in elsewhere:
            print(f"{cell} is being trained by another process: left to it")
        elsewhere.add(cell)
        waiting.append(cell)
        if elsewhere.issuperset(waiting):
            time.sleep(WAIT_S)


def _bring_to_its_end(cell: Cell, wanted: Wanted) -> int:
    """Train and test a cell as far as it has not been; the exit code of what went wrong, else 0."""
    run = wanted.run()
    if run is None or not is_finished(run):
        resume = [] if run is None else ["--resume", str(run.path)]
        if code := _execute("fit", *resume, *cell.arguments):
            return code
        run = wanted.run()
    if run is None:
        raise UsageError(f"{cell}: its training ended well, but left no run in '{wanted.root}'")
    if _is_tested(run):
        print(f"Finished and tested: {run.path}")
        return 0
    return _execute("test", "--run", str(run.path), *cell.trust)


def _is_tested(run: Run) -> bool:
    """Whether the weights that are the run's best were tested, and not some from before them.

    Where they were deleted after the test, to save room, it stands.
    """
    try:
        tested = epoch_of_test(run.test())
    except (OSError, ValueError, KeyError):
        return False
    if not run.best.is_file():
        return True
    return bool(tested == read_checkpoint(run.best, memory_map=True)["epoch"])


def _execute(*arguments: str) -> int:
    """Run a command of the program in a process of its own; its exit code.

    Ctrl-C reaches that process by itself, SIGTERM is passed on; either way it is waited for.
    """
    with subprocess.Popen([sys.executable, str(MAIN), *arguments]) as process:
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
            signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: process.terminate()),
        }
        try:
            code = process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return code if code >= 0 else 128 - code


class _Outcomes:
    """What came of each cell, and how long it took."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.codes: dict[Cell, int] = {}
        self._seconds: dict[Cell, float] = {}

    @contextmanager
    def of(self, cell: Cell) -> Iterator[None]:
        """Announce a cell and take its time."""
        print(f"[{len(self.codes) + 1}/{self.total}] {cell}{self._left()}", flush=True)
        begun = time.monotonic()
        yield
        self._seconds[cell] = time.monotonic() - begun

    def _left(self) -> str:
        """An estimate from the cells so far; those that were there already take no time."""
        worked = [seconds for seconds in self._seconds.values() if seconds > WAIT_S]
        if not worked:
            return ""
        minutes = sum(worked) / len(worked) * (self.total - len(self.codes)) / 60
        return f"; about {minutes:.0f} min left at most"

    def show(self) -> None:
        """Print a line a cell."""
        table = Table("experiment", "seed", "outcome", box=None, pad_edge=False)
        for cell, code in self.codes.items():
            outcome = "done" if code == 0 else f"failed (exit code {code})"
            table.add_row(cell.experiment, str(cell.seed), outcome)
        Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = PlainParser(
        "reproduce",
        "Train and test the paper's twelve experiments, as far as they are not there "
        "yet, and write the report. All further options, overlays such as --config quick.yaml "
        "among them, are those of fit.",
    )
    parser.add_argument("--seeds", type=_count, default=1, help="trainings of each, seeds from 0")
    parser.add_argument(
        "--only", action="append", default=[], choices=EXPERIMENTS, help="one; may be repeated"
    )
    parser.add_argument("--seed_everything", action=_Refused, help=argparse.SUPPRESS)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}, expected a whole number from 1 up")
    return int(text)


class _Refused(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Say what to type instead."""
        parser.error(f"{self.option_strings[0]} follows from --seeds")
