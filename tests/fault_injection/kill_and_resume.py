"""Kill trainings at random moments, resume them, and check that they end with the same bits.

A short version is a slow test (test_kill_and_resume.py).

Each round starts a training, kills it with SIGKILL, resumes it, kills it again and so on, until it
finishes. Its results must be those of the same training without interruption. What a process was
doing when it was killed is inferred from its files.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import numpy as np
from rich.table import Table

from lightning_app.runs.status import ORPHANS_END_S, is_finished
from lightning_app.utils.errors import UsageError
from tests.fault_injection.compare_runs import differences
from tests.fault_injection.processes import Moment, Pace, draw_kill, run_to_resume, training
from tests.helpers.paths import MAIN

CASES, DEPTH = 14, 5
SIZE = [
    *("--config", "unet_t1c.yaml"),
    *("--trainer.max_epochs", "4"),
    *("--trainer.accelerator", "cpu"),
    *("--trainer.enable_progress_bar", "false"),
    *("--last_checkpoint.every_n_minutes", "0"),  # after every batch
    *("--data.slices", "all"),
    *("--data.split_sizes", "[0.6,0.3,0.1]"),
    *("--data.image_size", "[32,32]"),
    *("--data.batch_size", "4"),
]
PLAIN = ["--model.network.init_args.widths", "[4,4,4,4,8]"]
TRUST = ["--trust", "tests"]
DROPOUT = ["--model.network.class_path", "tests.fault_injection.dropout_unet.DropoutUNet", *TRUST]
FLIPS = ["--data.flip", "true"]
WORKERS = ["--data.num_workers", "2"]
SETTINGS = {
    "0 workers": PLAIN,
    "2 workers": [*PLAIN, *WORKERS],
    "0 workers, dropout, flips": [*DROPOUT, *FLIPS],
    "2 workers, dropout, flips": [*DROPOUT, *FLIPS, *WORKERS],
}


@dataclass
class Result:
    """The outcome of the rounds with one setting.

    Attributes:
        moments: the number of kills by what the process was doing.
        problems: for each round, what differs from the uninterrupted training or went wrong.
    """

    moments: Counter[Moment] = field(default_factory=Counter)
    problems: list[list[str]] = field(default_factory=list)

    @property
    def identical(self) -> int:
        """The number of rounds that ended with the same bits."""
        return sum(not problems for problems in self.problems)


class Faults:
    """Kills trainings in rounds that alternate between the settings.

    Args:
        folder: an empty working folder.
        kills: how many kills to make.
        seed: seed of their moments.
    """

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.results = {setting: Result() for setting in SETTINGS}
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._kills_left = kills
        self._rng = np.random.default_rng(seed)
        self._paces: dict[str, Pace] = {}
        self._groups: list[int] = []

    def run(self) -> Iterator[Moment]:
        """Train each setting without interruption, then kill; yield what each kill hit."""
        self._write_data()
        for setting in SETTINGS:
            self._paces[setting] = self._train_uninterrupted(setting)
        for number, setting in enumerate(cycle(SETTINGS)):
            if self._kills_left <= 0:
                return
            yield from self._run_round(self._folder / f"round-{number}", setting)

    def kill_orphans(self) -> int:
        """Kill what outlived its training for too long; return the number of such trainings."""
        time.sleep(ORPHANS_END_S)
        trainings = 0
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
                trainings += 1
        return trainings

    def _write_data(self) -> None:
        size = ["--cases", str(CASES), "--depth", str(DEPTH)]
        output = ["--output", str(self._folder / "phantom")]
        subprocess.run(
            [sys.executable, str(MAIN), "phantom", *output, *size],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _fit_arguments(self, setting: str) -> list[str]:
        return [*SIZE, *SETTINGS[setting], "--data.root", str(self._folder / "phantom")]

    def _reference_folder(self, setting: str) -> Path:
        return self._folder / setting.replace(" ", "-")

    def _train_uninterrupted(self, setting: str) -> Pace:
        folder = self._reference_folder(setting)
        folder.mkdir()
        with training(folder, self._fit_arguments(setting)) as process:
            process.wait_for_first_checkpoint()
            first_checkpoint = time.monotonic()
            process.wait()
        if process.exit_code != 0:
            raise RuntimeError(f"'{setting}' cannot be trained: {process.output}")
        end = time.monotonic()
        return Pace(first_checkpoint - process.start, end - first_checkpoint)

    def _run_round(self, folder: Path, setting: str) -> Iterator[Moment]:
        """Start a training, kill and resume it until it finishes, and compare the results."""
        folder.mkdir()
        result = self.results[setting]
        while True:
            arguments = (
                ["--resume", *TRUST] if run_to_resume(folder) else self._fit_arguments(setting)
            )
            moment, problems = self._train(folder, arguments, self._paces[setting])
            if moment is not None:
                result.moments[moment] += 1
                yield moment
            if moment is None or _is_finished(folder):  # a kill may come after the last save
                break
        result.problems.append(problems or self._compare(folder, setting))

    def _compare(self, folder: Path, setting: str) -> list[str]:
        run, reference = run_to_resume(folder), run_to_resume(self._reference_folder(setting))
        if run is None or reference is None:
            return ["no run"]
        try:
            return differences(run, reference)
        except (UsageError, OSError) as error:  # a file is damaged or missing
            return [str(error)]

    def _train(
        self, folder: Path, arguments: list[str], pace: Pace
    ) -> tuple[Moment | None, list[str]]:
        """Train until the next kill, if any are left, or until the end.

        Returns:
            What the process was doing when it was killed, None if it was not; and what went wrong.
        """
        moment = None
        try:
            with training(folder, arguments) as process:
                self._groups.append(process.group)
                if self._kills_left > 0:
                    process.wait_for(draw_kill(self._rng, pace))
                    moment = process.kill()
                process.wait()
        except TimeoutError as error:
            return None, [str(error)]
        if moment is not None:
            self._kills_left -= 1
        elif process.exit_code != 0:
            print(process.output, file=sys.stderr)
            return None, [f"exit code {process.exit_code}"]
        return moment, []


def _is_finished(folder: Path) -> bool:
    run = run_to_resume(folder)
    return run is not None and is_finished(run)


def table(results: Mapping[str, Result]) -> Table:
    """A row per setting, and the totals."""
    rows = Table("setting", "rounds", "kills", *Moment, "bit-identical", title="SIGKILL and resume")
    total = Result()
    for setting, result in results.items():
        rows.add_row(setting, *_cells(result))
        total.moments += result.moments
        total.problems += result.problems
    rows.add_section()
    rows.add_row("total", *_cells(total))
    for column in rows.columns[1:]:
        column.justify = "right"
    return rows


def _cells(result: Result) -> list[str]:
    kills = [result.moments.total(), *(result.moments[moment] for moment in Moment)]
    return [str(number) for number in (len(result.problems), *kills, result.identical)]
