"""From run folders to what a report needs of them."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from yaml import YAMLError

from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.scores import SCORES, Result, evaluate
from lightning_app.runs.folder import Run, TestFolder, find_runs, run_config
from lightning_app.runs.status import is_finished, read_status
from lightning_app.utils.json_csv import read_json


@dataclass(frozen=True)
class Times:
    """What a training and its test took; None where nobody measured.

    Attributes:
        training: seconds, validation included.
        inference: seconds on the test side, from the first read to the last mask.
        device: what the training ran on.
        test_device: what the test ran on.
    """

    training: float | None
    inference: float | None
    device: str | None
    test_device: str | None


@dataclass(frozen=True)
class Surroundings:
    """What a training ran with; empty where it is not known.

    Attributes:
        device: its name.
        python: version.
        torch: version.
        lightning: version.
        commit: of the program, and whether files differed from it.
    """

    device: str
    python: str
    torch: str
    lightning: str
    commit: str


@dataclass(frozen=True)
class TestData:
    """What a test was made on.

    Attributes:
        kind: phantom or files.
        fingerprint: of the slices, and so of one modality.
        split: of the cases on each side.
        target: what was to be segmented.
        slices: which slices were trained on.
        eval_slices: which were tested.
    """

    __test__ = False  # pytest, this is not a test
    kind: str
    fingerprint: str
    split: str
    target: str
    slices: str
    eval_slices: str


@dataclass(frozen=True)
class TestedRun:
    """A finished training with the results of its test.

    Attributes:
        run: its folder.
        network: class path.
        modality: such as t2f; several channels are joined by a plus sign.
        seed: of weights, shuffling and flips.
        config: everything that was asked for.
        surroundings: what it was trained with.
        data: what it was tested on.
        computed_with: precision and acceleration of the test in words; empty where it is not known.
        parameters: of the network.
        multiply_adds: of a forward pass of one image.
        image_size: of that image.
        sides: cases on each side of the split.
        best_epoch: the one that was tested.
        flattered_by: tested patients whom it was trained on.
        accuracy_of_nothing: by class, of predicting no pixel at all.
        scores: by class and name.
        table: the counts of every slice that was tested.
        history: epoch and validation Dice.
        times: what it took.
    """

    __test__ = False  # pytest, this is not a test
    run: Run
    network: str
    modality: str
    seed: int
    config: dict[str, Any]
    surroundings: Surroundings
    data: TestData
    computed_with: str
    parameters: int
    multiply_adds: int
    image_size: tuple[int, int]
    sides: dict[str, int]
    best_epoch: int
    flattered_by: int
    accuracy_of_nothing: dict[str, float]
    scores: dict[str, dict[str, Result]]
    table: CountTable
    history: list[tuple[int, float]]
    times: Times

    @property
    def name(self) -> str:
        """Experiment and folder."""
        return _name(self.run)


@dataclass(frozen=True)
class LeftOut:
    """A run, or a test of one, that the report does not use."""

    name: str
    reason: str


def read_runs(root: Path) -> tuple[list[TestedRun], list[LeftOut]]:
    """The newest tested run of every network, modality and seed below a root, and all others."""
    used: dict[tuple[str, str, int], TestedRun] = {}
    left_out: list[LeftOut] = []
    for run in find_runs(root):
        left_out += [
            LeftOut(f"{_name(run)}/{test.path.name}", "tested on other data or another split")
            for test in run.other_tests()
        ]
        if reason := _unusable(run):
            left_out.append(LeftOut(_name(run), reason))
            continue
        try:
            tested = _read(run)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, YAMLError) as error:
            left_out.append(LeftOut(_name(run), f"cannot be read: {in_words(error)}"))
            continue
        newest = used.setdefault((tested.network, tested.modality, tested.seed), tested)
        if newest is not tested:
            reason = f"{newest.name} is newer, of the same network, modality and seed"
            left_out.append(LeftOut(_name(run), reason))
    return list(used.values()), left_out


def _unusable(run: Run) -> str | None:
    """Why a run has nothing to report; None where it has."""
    if not is_finished(run):
        status = read_status(run).get("status", "unknown")
        return f"not finished: its status is {status}"
    if not run.test().metrics.is_file():
        return f"not tested: python main.py test --run {run.path}"
    return None


def _read(run: Run) -> TestedRun:
    config = run_config(run)
    results, network = _json(run.test().metrics), _json(run.network)
    height, width = network["image_size"]
    scores = {name: _scores(found) for name, found in results["scores"].items()}
    table = _count_table(run.test().slices, tuple(scores))
    _check(scores, table)
    return TestedRun(
        run=run,
        network=str(config["model"]["network"]["class_path"]),
        modality="+".join(config["data"]["modalities"]),
        seed=int(config["seed_everything"]),
        config=config,
        surroundings=_surroundings(_json(run.environment)),
        data=TestData(**{f.name: str(results["data"][f.name]) for f in fields(TestData)}),
        computed_with=_computed_with(results.get("computed_with")),
        parameters=int(network["parameters"]),
        multiply_adds=int(network["multiply_adds"]),
        image_size=(int(height), int(width)),
        sides=_sides(run.split),
        best_epoch=int(results["checkpoint"]["epoch"]),
        flattered_by=int(results["patients_trained_on"]),
        accuracy_of_nothing={c: float(results["accuracy_of_nothing"][c]) for c in scores},
        scores=scores,
        table=table,
        history=_history(run.metrics),
        times=_times(run, run.test()),
    )


def _surroundings(environment: dict[str, Any]) -> Surroundings:
    packages = environment.get("packages") or {}
    git = environment.get("git") or {}
    commit = str(git.get("commit", ""))[:8] + (" and changes" if git.get("changed") else "")
    device, python = (str(environment.get(name, "")) for name in ("device", "python"))
    torch, lightning = (str(packages.get(name, "")) for name in ("torch", "lightning"))
    return Surroundings(device, python, torch, lightning, commit)


def _computed_with(found: dict[str, Any] | None) -> str:
    """Such as "bf16-mixed, channels_last": what is off is left out."""
    if found is None:
        return ""
    on = (name for name, value in found["acceleration"].items() if value)
    return ", ".join((found["precision"], *on))


def _scores(found: dict[str, Any]) -> dict[str, Result]:
    results = {}
    for score in SCORES:
        value, low, high = (found[score.name][key] for key in ("value", "low", "high"))
        interval = None if low is None else (float(low), float(high))
        results[score.name] = Result(None if value is None else float(value), interval)
    return results


def _check(scores: dict[str, dict[str, Result]], table: CountTable) -> None:
    """Raise ValueError where the scores are not those of the counts."""
    for target, values in evaluate(table).items():
        for name, value in values.items():
            stored = scores[target][name].value
            if (stored is None) != (value is None) or abs((stored or 0) - (value or 0)) > 1e-9:
                raise ValueError(f"{name} is {stored}, but {value} by the counts of the slices")


def _sides(path: Path) -> dict[str, int]:
    sides = [row["side"] for row in _rows(path, "side")]
    return {side: sides.count(side) for side in ("train", "val", "test")}


def _count_table(path: Path, classes: tuple[str, ...]) -> CountTable:
    rows = _rows(path, "case", "patient", "slice", "class", "tp", "fp", "fn", "tn")
    if not rows or [row["class"] for row in rows] != list(classes) * (len(rows) // len(classes)):
        raise ValueError(f"{path.name} does not hold a row for each slice and class")
    counts = [[int(row[name]) for name in ("tp", "fp", "fn", "tn")] for row in rows]
    slices = rows[:: len(classes)]
    return CountTable(
        classes,
        [row["case"] for row in slices],
        [row["patient"] for row in slices],
        [int(row["slice"]) for row in slices],
        np.array(counts, np.int64).reshape(len(slices), len(classes), 4),
    )


def _history(path: Path) -> list[tuple[int, float]]:
    rows = _rows(path, "epoch", "val/dice")
    return [(int(row["epoch"]), float(row["val/dice"])) for row in rows if row["val/dice"]]


def _times(run: Run, test: TestFolder) -> Times:
    """What timing.json says, of the run and of the test; both may be missing."""
    training = _json(run.timing) if run.timing.is_file() else {}
    testing = _json(test.timing) if test.timing.is_file() else {}
    return Times(
        training.get("run", {}).get("seconds"),
        testing.get("seconds"),
        training.get("device"),
        testing.get("device"),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _rows(path: Path, *columns: str) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := set(columns) - set(reader.fieldnames or ()):
            raise ValueError(f"{path.name} has no column {', '.join(sorted(missing))}")
        return list(reader)


def _name(run: Run) -> str:
    return f"{run.experiment}/{run.path.name}"


def in_words(error: Exception) -> str:
    """An error as one line."""
    what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    kind = "" if isinstance(error, ValueError | KeyError | OSError) else f"{type(error).__name__}: "
    return " ".join(f"{kind}{what}".split())
