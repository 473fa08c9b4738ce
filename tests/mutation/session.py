"""Tests each mutant in a copy of the sources and keeps the results in a CSV file."""

import contextlib
import csv
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from tests.mutation.mutants import Mutant
from tests.mutation.pytest_process import passes
from tests.mutation.suites import package_of, suite

# A mutant that hangs counts as killed. Other load on the machine must not look like one.
_PATIENCE = 3.0  # times the duration without a mutant
_LONGEST_S = 7200.0  # without a mutant


@dataclass(frozen=True)
class Result:
    """What became of one mutant.

    Attributes:
        module: the module's path, or that of a package for its tests without any change.
        line: counted from 1; 0 without a change.
        change: the line before and after.
        outcome: killed, also if the tests took too long, or survived.
        seconds: how long the tests took.
    """

    module: str
    line: int
    change: str
    outcome: str
    seconds: float

    @classmethod
    def from_row(cls, row: dict[str, str]) -> Self:
        """A row of the CSV file."""
        return cls(
            row["module"], int(row["line"]), row["change"], row["outcome"], float(row["seconds"])
        )


class UnchangedFailureError(Exception):
    """Tests fail without any mutant."""


class Session:
    """Results in a file, to which each is added as soon as it is there.

    Args:
        copy: a copy of the project that may be changed; the current folder.
        results: the CSV file. What it already holds is not tested again.
    """

    def __init__(self, copy: Path, results: Path) -> None:
        self.copy = copy
        self.file = results
        self.log = copy.parent / "pytest.log"
        self.results = self._read()

    def run(self, mutants: Iterable[Mutant]) -> Iterator[Result]:
        """Test mutants, and before them the sources as they are.

        Raises:
            UnchangedFailureError: if a test fails without a mutant.
        """
        for mutant in mutants:
            unchanged = self._tested(package_of(mutant.module), 0, "no change", _LONGEST_S)
            if unchanged.outcome == "killed":
                self.file.unlink()
                raise UnchangedFailureError(self.log.read_text("utf-8"))
            path = self.copy / mutant.module
            with _changed(path, mutant) as change:
                limit = 60 + _PATIENCE * unchanged.seconds
                yield self._tested(mutant.module, mutant.line, change, limit)

    def _tested(self, module: str, line: int, change: str, limit: float) -> Result:
        if (module, line, change) not in self.results:
            start = time.monotonic()
            survived = passes(suite(module, self.copy), self.log, limit)
            seconds = round(time.monotonic() - start, 1)
            outcome = "survived" if survived else "killed"
            self._add(Result(module, line, change, outcome, seconds))
        return self.results[module, line, change]

    def _add(self, result: Result) -> None:
        self.results[result.module, result.line, result.change] = result
        new = not self.file.exists()
        with self.file.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, [field.name for field in fields(Result)])
            if new:
                writer.writeheader()
            writer.writerow(asdict(result))

    def _read(self) -> dict[tuple[str, int, str], Result]:
        if not self.file.exists():
            return {}
        with self.file.open(encoding="utf-8", newline="") as stream:
            results = [Result.from_row(row) for row in csv.DictReader(stream)]
        return {(result.module, result.line, result.change): result for result in results}


@contextlib.contextmanager
def _changed(path: Path, mutant: Mutant) -> Iterator[str]:
    """Change the module for a while; gives the line before and after."""
    source = path.read_text("utf-8")
    mutated = mutant.apply(source)
    index = mutant.line - 1
    lines = (text.splitlines()[index].strip() for text in (source, mutated))
    path.write_text(mutated, "utf-8")
    try:
        yield " -> ".join(lines)
    finally:
        path.write_text(source, "utf-8")
