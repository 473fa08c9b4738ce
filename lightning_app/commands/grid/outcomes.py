"""What became of each training of ``reproduce``, and how long it took."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lightning_app.commands.grid.cells import Cell
from lightning_app.utils.text import print_lines, printable

_AT_ONCE_S = 5.0  # finding that nothing is left to do takes less


class Outcomes:
    """The exit code and the duration of each cell.

    Args:
        total: the number of cells.
        jobs: how many processes share them.

    Attributes:
        roots: folders of the runs.
        codes: exit codes of the cells so far.
    """

    def __init__(self, total: int, jobs: int) -> None:
        self.total = total
        self.jobs = jobs
        self.roots: set[Path] = set()
        self.codes: dict[Cell, int] = {}
        self._seconds: dict[Cell, float] = {}

    @contextmanager
    def timed(self, cell: Cell) -> Iterator[None]:
        """Announce a cell and measure its time."""
        print_lines(f"[{len(self.codes) + 1}/{self.total}] {cell}{self._left()}", flush=True)
        start = time.monotonic()
        yield
        self._seconds[cell] = time.monotonic() - start

    def _left(self) -> str:
        """An estimate from the cells that were trained or tested so far."""
        worked = [seconds for seconds in self._seconds.values() if seconds > _AT_ONCE_S]
        if not worked:
            return ""
        left = max(1, math.ceil(self.total / self.jobs) - len(self.codes))
        minutes = sum(worked) / len(worked) * left / 60
        return f"; about {minutes:.0f} min left at most"

    def show(self) -> None:
        """Print a line for each cell."""
        table = Table("experiment", "seed", "outcome", box=None, pad_edge=False)
        for cell, code in self.codes.items():
            outcome = "done" if code == 0 else f"failed (exit code {code})"
            table.add_row(printable(cell.name), str(cell.seed), outcome)
        Console(markup=False, emoji=False).print(table)
