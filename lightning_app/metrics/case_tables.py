"""From the masks of cases to the tables that scores are computed from."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from lightning_app.metrics.case_masks import CaseMasks, VolumeTable
from lightning_app.metrics.count_table import COUNTS, CountTable
from lightning_app.metrics.score import VolumeScore
from lightning_app.utils.errors import UsageError


def case_tables(
    cases: Iterable[CaseMasks], classes: Sequence[str], scores: Sequence[VolumeScore]
) -> tuple[CountTable, VolumeTable]:
    """The counts of each slice and the volume scores of each case.

    Args:
        cases: read one after the other, so that only one case's masks are in memory.
        classes: names of the classes of the masks.
        scores: the volume scores to compute.

    Raises:
        UsageError: a volume score returned NaN or infinity.
    """
    names: list[str] = []
    patients: list[str] = []
    slices: list[int] = []
    counts = [np.empty((0, len(classes), len(COUNTS)), np.int64)]
    values: list[list[list[float]]] = []
    for masks in cases:
        names.append(masks.case)
        patients.append(masks.patient)
        slices += masks.slices
        counts.append(masks.counts())
        values.append(_volume_values(masks, classes, scores))
    lengths = [len(rows) for rows in counts[1:]]
    by_slice = CountTable(
        tuple(classes),
        np.repeat(names, lengths).tolist(),
        np.repeat(patients, lengths).tolist(),
        slices,
        np.concatenate(counts),
    )
    array = np.array(values, np.float64).reshape(len(names), len(scores), len(classes))
    by_score = {score.name: array[:, index] for index, score in enumerate(scores)}
    return by_slice, VolumeTable(tuple(classes), names, patients, by_score)


def _volume_values(
    masks: CaseMasks, classes: Sequence[str], scores: Sequence[VolumeScore]
) -> list[list[float]]:
    """Values [score][class] of a case; NaN if undefined."""
    if not scores:
        return []
    volumes = {name: masks.of_class(index) for index, name in enumerate(classes)}
    return [
        [
            _checked(score.compute(volume), f"'{score.name}' of case {masks.case}, class '{name}'")
            for name, volume in volumes.items()
        ]
        for score in scores
    ]


def _checked(value: float | None, score: str) -> float:
    """The value, or NaN for None. A mean of NaN or infinity is useless, and JSON has neither."""
    if value is None:
        return math.nan
    if not math.isfinite(value):
        raise UsageError(
            f"volume score {score} is {value}, expected a finite number, or None if it is undefined"
        )
    return value
