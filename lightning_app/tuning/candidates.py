"""What is tried, in the order in which it is tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lightning_app.postprocessing.operations import (
    ENHANCING,
    LargestComponent,
    SmallEnhancingToCore,
    SmallestComponent,
)
from lightning_app.postprocessing.postprocessing import HALF, Postprocessing
from lightning_app.tuning.tuning_case import THRESHOLDS

COMPONENTS = (10, 30, 100, 300, 1000)  # mm^3
ENHANCING_TUMOUR = (50, 100, 200, 500)  # mm^3


@dataclass(frozen=True)
class Step:
    """One thing that may be changed.

    Attributes:
        name: in a few words.
        candidates: given the post-processing so far, those to compare with it.
    """

    name: str
    candidates: Callable[[Postprocessing], list[Postprocessing]]


def steps_for(classes: Sequence[str], *, exclusive: bool) -> list[Step]:
    """The steps that make sense for some classes.

    There is no threshold if classes exclude one another: the most probable one wins.

    Args:
        classes: their names.
        exclusive: whether they exclude one another.
    """
    steps = [
        Step("smallest component", lambda p: [p.then(SmallestComponent(v)) for v in COMPONENTS]),
        Step("largest component", lambda p: [p.then(LargestComponent())]),
    ]
    if not exclusive:
        steps.insert(0, Step("threshold", _thresholds))
    if ENHANCING in classes:
        steps.append(Step("small enhancing tumour to core", _enhancing))
    return steps


def _thresholds(before: Postprocessing) -> list[Postprocessing]:
    return [replace(before, threshold=value) for value in THRESHOLDS if value != HALF]


def _enhancing(before: Postprocessing) -> list[Postprocessing]:
    return [before.then(SmallEnhancingToCore(volume)) for volume in ENHANCING_TUMOUR]
