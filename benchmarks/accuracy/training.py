"""One training of the comparison, and the file that it leaves."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.accuracy.settings import EVERY_SETTING, Setting
from lightning_app.utils.json_csv import read_json, write_json

FOLDS = 5
KEPT = (
    "tp",
    "fp",
    "fn",
    "dice",
    "hd95",
    "nsd",
    "lesion_dice",
    "lesions_missed",
    "lesions_invented",
)
# By name of a case, then by name: the pixel counts and the volume scores.
Cases = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Training:
    """What is trained, on which patients.

    Attributes:
        data: folder of the data set, whose name is that of the data set.
        setting: name of the setting.
        fold: that is tested.
        seed: of the training.
        minutes: of CPU time of one thread that every setting gets.
    """

    data: Path
    setting: str
    fold: int
    seed: int
    minutes: float

    @property
    def name(self) -> str:
        """What is trained, without the data set."""
        return f"{self.setting}-fold{self.fold}-seed{self.seed}"

    def file(self, folder: Path) -> Path:
        """Its file in the folder of the outcomes of its data set."""
        return folder / f"{self.name}.json"

    @property
    def how(self) -> Setting:
        """The setting."""
        return EVERY_SETTING[self.setting]


@dataclass(frozen=True)
class Point:
    """Dice on the test patients in the course of a training.

    Attributes:
        epoch: the number of epochs so far.
        minutes: of CPU time so far, start-up and these tests excluded.
        dice: the mean over the patients' volumes.
    """

    epoch: int
    minutes: float
    dice: float


@dataclass(frozen=True)
class Outcome:
    """What a training leaves.

    Attributes:
        epochs: of the training.
        seconds: of CPU time of each epoch, validation included.
        curve: the Dice in between.
        cases: the scores of the best epoch's weights on the patients of the fold.
    """

    epochs: int
    seconds: Sequence[float]
    curve: Sequence[Point]
    cases: Cases


def write_outcome(path: Path, training: Training, outcome: Outcome) -> None:
    """Write the outcome as JSON."""
    facts = {"data": training.data.name, "setting": training.setting, "fold": training.fold,
             "seed": training.seed, "minutes": training.minutes * training.how.share}  # fmt: skip
    content = {**facts, **_rounded(asdict(outcome))}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, content)


def read_outcome(path: Path) -> Outcome:
    """Read what ``write_outcome`` wrote."""
    content = read_json(path)
    curve = [Point(**point) for point in content["curve"]]
    return Outcome(content["epochs"], content["seconds"], curve, content["cases"])


def case_scores(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """The numbers of each case, from rows with the columns of ``read_scores``."""
    return {str(row["case"]): {name: _number(row[name]) for name in KEPT} for row in rows}


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _rounded(value: Any) -> Any:
    """Numbers to six digits after the point, which are more than matter."""
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return round(value, 6) if isinstance(value, float) else value
