"""Which trainings the comparison consists of."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.accuracy.settings import INGREDIENTS, MONAI, PAPER, REAL, REAL_THIRD, SMP
from benchmarks.accuracy.training import FOLDS, Training

SEVERAL_SEEDS = (
    "lgg"  # the data set with the most patients: seeds and ingredients are compared there
)
SEEDS, INGREDIENT_FOLDS = 3, 3


def trainings(data: Path, minutes: float) -> Iterator[Training]:
    """All trainings with a data set, the most telling first."""
    for setting in (PAPER, REAL, MONAI, SMP, REAL_THIRD):
        yield from (Training(data, setting, fold, 0, minutes) for fold in range(FOLDS))
    if data.name != SEVERAL_SEEDS:
        return
    for setting in INGREDIENTS:
        yield from (Training(data, setting, fold, 0, minutes) for fold in range(INGREDIENT_FOLDS))
    for seed in range(1, SEEDS):
        for setting in (PAPER, REAL):
            yield from (Training(data, setting, fold, seed, minutes) for fold in range(FOLDS))
