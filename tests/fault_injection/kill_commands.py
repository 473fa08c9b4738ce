"""Kill commands at random moments, run them again, and compare what they leave.

Each round copies a prepared folder, kills a command in it with SIGKILL, runs the same command again
and so on, until one run finishes. The folder must then be as after a command that was not killed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from tests.helpers.paths import MAIN

CASES, DEPTH = 12, 4
KILLS_PER_ROUND = 3
TIMEOUT_S = 300.0
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]+")  # the name of a run's folder
PHANTOM = "../phantom"
DATA = [
    *("--data.root", PHANTOM),
    *("--data.image_size", "[32,32]"),
    *("--data.slices", "all"),
    *("--data.split_sizes", "[0.6,0.2,0.2]"),
]
SIZE = [
    *DATA,
    *("--trainer.max_epochs", "1"),
    *("--trainer.accelerator", "cpu"),
    *("--trainer.enable_progress_bar", "false"),
    *("--data.batch_size", "8"),
    *("--model.network.init_args.widths", "[4,4,4,4,8]"),
]
FIT = ["fit", "--config", "unet_t1c.yaml", *SIZE]
EXPERIMENTS = ["--experiment", "unet_t1c", "--experiment", "unet_t2f"]


@dataclass(frozen=True)
class Scenario:
    """A command that is killed.

    Attributes:
        command: the command.
        before: commands that run first, once.
    """

    command: Sequence[str]
    before: Sequence[Sequence[str]] = ()


SCENARIOS = {
    "prepare": Scenario(["prepare", "--config", "unet_t1c.yaml", *DATA]),
    "test": Scenario(["test"], [FIT]),
    "predict": Scenario(["predict", "--input", PHANTOM, "--output", "masks"], [FIT]),
    "report": Scenario(["report"], [FIT, ["test"]]),
    "reproduce": Scenario(["reproduce", *EXPERIMENTS, *SIZE]),
}


@dataclass(frozen=True)
class Reference:
    """What a command leaves that is not killed.

    Attributes:
        names: of all files and folders, sorted, with repetitions.
        contents: of those files that two such commands left equal, by name.
    """

    names: list[str]
    contents: dict[str, str]


@dataclass(frozen=True)
class Pace:
    """Durations of a command, in seconds.

    Attributes:
        first_write: from its start until it writes.
        end: from its start to its end.
    """

    first_write: float
    end: float

    def at(self, end: float) -> "Pace":
        """The pace of a run with another end."""
        return Pace(self.first_write * end / self.end, end)


@dataclass
class Result:
    """The outcome of the rounds of one scenario.

    Attributes:
        kills: the number of kills, and of those that came after the first write.
        problems: for each round, what differs from the reference or went wrong.
    """

    kills: int = 0
    kills_in_writes: int = 0
    problems: list[list[str]] = field(default_factory=list)


class CommandFaults:
    """Kills commands in rounds that alternate between the scenarios.

    Args:
        folder: an empty working folder.
        kills: how many kills to make.
        seed: seed of their moments.
        scenarios: which commands to kill.
    """

    def __init__(
        self, folder: Path, kills: int, seed: int, scenarios: Sequence[str] = tuple(SCENARIOS)
    ) -> None:
        self.results = {name: Result() for name in scenarios}
        self._paces: dict[str, Pace] = {}
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._kills_left = kills
        self._rng = np.random.default_rng(seed)

    def run(self) -> Iterator[str]:
        """Run each command without interruption, then kill; yield the scenario of each kill."""
        size = ["--cases", str(CASES), "--depth", str(DEPTH)]
        _run_to_end(self._folder, ["phantom", "--output", "phantom", *size])
        references = {name: self._reference(name) for name in self.results}
        for number, name in enumerate(cycle(self.results)):
            if self._kills_left <= 0:
                return
            folder = self._folder / f"round-{number}"
            shutil.copytree(self._folder / f"{name}-before", folder, symlinks=True)
            yield from self._run_round(folder, name, references[name])
            shutil.rmtree(folder)

    def _reference(self, name: str) -> Reference:
        """Run a command twice without interruption, on copies of the same folder."""
        before = self._folder / f"{name}-before"
        before.mkdir()
        for command in SCENARIOS[name].before:
            _run_to_end(before, command)
        found = []
        for copy in ("first", "second"):
            folder = shutil.copytree(before, self._folder / f"{name}-{copy}", symlinks=True)
            old = {path for path, _ in _files(folder)}
            started = time.time()
            _run_to_end(folder, SCENARIOS[name].command)
            seconds = time.time() - started
            written = [path.stat().st_mtime for path, _ in _files(folder) if path not in old]
            found.append((folder, min(written) - started, seconds))
        (first, *pace), (second, *_) = found
        self._paces[name] = Pace(*pace)
        other = contents(second)
        equal = {key: text for key, text in contents(first).items() if other.get(key) == text}
        return Reference(names(first), equal)

    def _run_round(self, folder: Path, name: str, reference: Reference) -> Iterator[str]:
        result = self.results[name]
        for _ in range(min(KILLS_PER_ROUND, self._kills_left)):
            delay = self._draw_delay(self._paces[name])
            if ended := _end_before(folder, SCENARIOS[name].command, delay):
                self._paces[name] = self._paces[name].at(ended)  # the machine is less busy now
                break
            self._kills_left -= 1
            result.kills += 1
            result.kills_in_writes += delay >= self._paces[name].first_write
            yield name
        try:
            _run_to_end(folder, SCENARIOS[name].command)
        except RuntimeError as error:
            result.problems.append([str(error)])
            return
        result.problems.append(differences(folder, reference))

    def _draw_delay(self, pace: Pace) -> float:
        """Seconds until a kill: four of five come after the first write."""
        start = 0.0 if self._rng.random() < 0.2 else 0.95 * pace.first_write
        return float(self._rng.uniform(start, pace.end))


def differences(folder: Path, reference: Reference) -> list[str]:
    """What is missing from a folder, left in it, or not as in the reference."""
    present, texts = names(folder), contents(folder)
    return [
        *(f"{name} is missing" for name in reference.names if name not in present),
        *(f"{name} is left" for name in present if name not in reference.names),
        *(
            f"{name} is there {present.count(name)} times"
            for name in sorted(set(reference.names))
            if present.count(name) > reference.names.count(name)
        ),
        *(
            f"{name} differs"
            for name, text in reference.contents.items()
            if name in texts and texts[name] != text
        ),
    ]


def names(folder: Path) -> list[str]:
    """Names of all files and folders but locks and W&B's, with RUN for the names of runs."""
    return sorted(name for _, name in _files(folder, folders=True))


def contents(folder: Path) -> dict[str, str]:
    """The content of each file, without what changes from run to run."""
    return {name: _content(path) for path, name in _files(folder)}


def _files(folder: Path, *, folders: bool = False) -> list[tuple[Path, str]]:
    return [
        (path, _RUN.sub("RUN", str(path.relative_to(folder))))
        for path in sorted(folder.rglob("*"))
        if (folders or path.is_file()) and path.suffix != ".lock" and "wandb" not in path.parts
    ]


def _content(path: Path) -> str:
    """Bytes as hexadecimal; of the index of a cached array the digest, as its rows may change."""
    if path.name == "index.json":
        index: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return str(index.get("digest", index))
    if path.name == "array.npy":
        return "compared by the digest"
    if path.suffix == ".json":
        return _RUN.sub("RUN", path.read_text("utf-8"))
    return path.read_bytes().hex()


def _start(folder: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, str(MAIN), *command],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _run_to_end(folder: Path, command: Sequence[str]) -> None:
    with _start(folder, command) as process:
        code = process.wait(TIMEOUT_S)
    if code:
        log = (folder.parent / f"{folder.name}.log").read_text("utf-8", errors="replace")
        raise RuntimeError(f"exit code {code} of {command[0]}: {log}")


def _end_before(folder: Path, command: Sequence[str], delay: float) -> float | None:
    """Kill a command, but not its children, unless it ends before; returns its duration then."""
    started = time.monotonic()
    with _start(folder, command) as process:
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    return time.monotonic() - started


def table(results: dict[str, Result]) -> Table:
    """A row per command, and the totals."""
    rows = Table("command", "rounds", "kills", "in writes", "as uninterrupted", title="SIGKILL")
    for name, result in results.items():
        rows.add_row(name, *map(str, _numbers(result)))
    rows.add_section()
    totals = [sum(column) for column in zip(*map(_numbers, results.values()), strict=True)]
    rows.add_row("total", *map(str, totals))
    for column in rows.columns[1:]:
        column.justify = "right"
    return rows


def _numbers(result: Result) -> list[int]:
    unharmed = sum(not problems for problems in result.problems)
    return [len(result.problems), result.kills, result.kills_in_writes, unharmed]
