"""Kill trainings and commands, and check that they end as if they had not been killed.

`make faults` runs this. The exit code is 1 if anything is left different, or running.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import track

from tests.fault_injection import kill_and_resume, kill_commands
from tests.fault_injection.kill_and_resume import Faults
from tests.fault_injection.kill_commands import CommandFaults


class _Result(Protocol):
    @property
    def problems(self) -> list[list[str]]:
        """For each round, what is different."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print the results; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="seed of their moments")
    options = parser.parse_args(arguments)
    of_trainings = options.kills * 2 // 5
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        trainings = Faults(Path(folder, "trainings"), of_trainings, options.seed)
        _show(trainings.run(), of_trainings, "Kills of trainings")
        orphaned = trainings.kill_orphans()
        console.print(kill_and_resume.table(trainings.results))
        of_commands = options.kills - of_trainings
        commands = CommandFaults(Path(folder, "commands"), of_commands, options.seed)
        _show(commands.run(), of_commands, "Kills of commands")
        console.print(kill_commands.table(commands.results))
    problems = [*_problems(trainings.results), *_problems(commands.results)]
    print(*problems, f"Trainings that left processes running: {orphaned}", sep="\n")
    return 1 if problems or orphaned else 0


def _show(kills: Iterable[str], total: int, description: str) -> None:
    bar = partial(track, description=description, console=Console(stderr=True))
    for _ in bar(kills, total=total):
        pass


def _problems(results: Mapping[str, _Result]) -> list[str]:
    return [
        f"{name}, round {number}: {'; '.join(problems)}"
        for name, result in results.items()
        for number, problems in enumerate(result.problems, start=1)
        if problems
    ]


if __name__ == "__main__":
    sys.exit(main())
