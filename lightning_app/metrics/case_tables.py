"""From the masks of cases to the tables that scores are computed from."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from lightning_app.metrics.case_masks import CaseMasks, VolumeTable
from lightning_app.metrics.count_table import COUNTS, CountTable
from lightning_app.metrics.score import VolumeScore


def case_tables(
    cases: Iterable[CaseMasks], classes: Sequence[str], scores: Sequence[VolumeScore]
) -> tuple[CountTable, VolumeTable]:
    """The counts of each slice and the volume scores of each case.

    Args:
        cases: read one after the other, so that only one case's masks are in memory.
        classes: names of the classes of the masks.
        scores: the volume scores to compute.
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
        values.append(_volume_values(masks, len(classes), scores))
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
    masks: CaseMasks, classes: int, scores: Sequence[VolumeScore]
) -> list[list[float]]:
    """Values [score][class] of a case; NaN if undefined."""
    if not scores:
        return []
    volumes = [masks.of_class(index) for index in range(classes)]
    values = [[score.compute(volume) for volume in volumes] for score in scores]
    return [[math.nan if value is None else value for value in row] for row in values]
