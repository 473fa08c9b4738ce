"""Which trainings the comparison consists of."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.accuracy.settings import INGREDIENTS, MONAI, PAPER, REAL, REAL_THIRD, SMP
from benchmarks.accuracy.training import FOLDS, Training

SEVERAL_SEEDS = "lgg"  # the data set with the most patients
SEEDS, INGREDIENT_FOLDS = 3, 3
WINDOW = "window"
# The heads of the lower-grade gliomas are not stripped: there the window is the whole slice.
INGREDIENTS_ON = {"glioma": (WINDOW,), "lgg": tuple(name for name in INGREDIENTS if name != WINDOW)}


def trainings(data: Path, minutes: float) -> Iterator[Training]:
    """All trainings with a data set, the most telling first."""
    for setting in (REAL, PAPER, MONAI, SMP, REAL_THIRD):
        yield from (Training(data, setting, fold, 0, minutes) for fold in range(FOLDS))
    for setting in INGREDIENTS_ON.get(data.name, ()):
        yield from (Training(data, setting, fold, 0, minutes) for fold in range(INGREDIENT_FOLDS))
    if data.name == SEVERAL_SEEDS:
        for seed in range(1, SEEDS):
            for setting in (REAL, PAPER):
                yield from (Training(data, setting, fold, seed, minutes) for fold in range(FOLDS))
