"""From the masks of cases to the tables that scores are computed from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.case_masks import CaseMasks, ClassMasks, VolumeTable
from lightning_app.metrics.count_table import COUNTS, CountTable, Floats
from lightning_app.metrics.volume.lesions import Lesion
from lightning_app.metrics.volume.masks import moved
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.utils.errors import UsageError


@dataclass(frozen=True)
class CaseScores:
    """What is kept of a case whose masks were scored.

    Attributes:
        case: its id.
        patient: whose scan it is.
        slices: index of each tested slice in the volume.
        counts: of each slice and class, (slices, classes, 4).
        values: of each volume score and class, (scores, classes); NaN if it is undefined.
        lesions: of each class; their boxes are counted from the first slice of the volume.
    """

    case: str
    patient: str
    slices: Sequence[int]
    counts: NDArray[np.int64]
    values: Floats
    lesions: Sequence[Sequence[Lesion]]

    @property
    def is_slice(self) -> bool:
        """Whether it is a single slice, whose surfaces are scored in 2-D."""
        return len(self.slices) == 1

    @property
    def has_gaps(self) -> bool:
        """Whether slices in between were not tested."""
        return self.slices[-1] - self.slices[0] >= len(self.slices)


def score_case(masks: CaseMasks, classes: Sequence[str]) -> CaseScores:
    """The counts of each slice, and the volume scores, of one case.

    Args:
        masks: of the case.
        classes: names of the classes of the masks.

    Raises:
        UsageError: a volume score returned NaN or infinity.
    """
    volumes = {name: masks.of_class(index) for index, name in enumerate(classes)}
    values = [
        [
            _checked(score.compute(volume), f"'{score.name}' of case {masks.case}, class '{name}'")
            for name, volume in volumes.items()
        ]
        for score in VOLUME_SCORES
    ]
    return CaseScores(
        masks.case,
        masks.patient,
        masks.slices,
        masks.counts(),
        np.array(values),
        [_lesions(volume, masks.slices[0]) for volume in volumes.values()],
    )


def case_tables(
    scored: Sequence[CaseScores], classes: Sequence[str]
) -> tuple[CountTable, VolumeTable]:
    """The counts of each slice and the volume scores of each case.

    Args:
        scored: the cases.
        classes: names of the classes of their masks.
    """
    names, patients = [case.case for case in scored], [case.patient for case in scored]
    lengths = [len(case.slices) for case in scored]
    no_counts = np.empty((0, len(classes), len(COUNTS)), np.int64)
    by_slice = CountTable(
        tuple(classes),
        np.repeat(names, lengths).tolist(),
        np.repeat(patients, lengths).tolist(),
        [index for case in scored for index in case.slices],
        np.concatenate([no_counts, *(case.counts for case in scored)]),
    )
    by_score = {
        score.name: np.array([case.values[row] for case in scored]).reshape(-1, len(classes))
        for row, score in enumerate(VOLUME_SCORES)
    }
    return by_slice, VolumeTable(tuple(classes), names, patients, by_score)


def _lesions(masks: ClassMasks, first_slice: int) -> list[Lesion]:
    start = slice(first_slice, None), slice(0, None), slice(0, None)
    lesions = masks.lesions.lesions if masks.lesions else ()
    return [replace(lesion, box=moved(lesion.box, start)) for lesion in lesions]


def _checked(value: float | None, score: str) -> float:
    """The value, or NaN for None. A mean of NaN or infinity is useless, and JSON has neither."""
    if value is None:
        return math.nan
    if not math.isfinite(value):
        raise UsageError(
            f"volume score {score} is {value}, expected a finite number, or None if it is undefined"
        )
    return value
