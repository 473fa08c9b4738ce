"""The scores of a case that are averaged and compared. To add one, list it here."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from lightning_app.evaluation.case_scores import RegionScores
from lightning_app.metrics.intervals import Bounds
from lightning_app.metrics.volume.lesions import LesionScores
from lightning_app.metrics.volume.surface import PENALTY

_MM = (0.0, PENALTY)
RATIO = (0.0, 1.0)
_AMOUNT = (0.0, math.inf)


@dataclass(frozen=True, kw_only=True)
class CaseScore:
    """A score of one region of one case; its summary is the mean over cases.

    Attributes:
        name: its name everywhere.
        title: its heading in tables.
        definition: what it is.
        value: its value; None if it is undefined.
        higher_is_better: its direction; None if it has none, and is not compared.
        bounds: the lowest and the highest value that it can have; infinite if it has none.
        unit: such as mm; empty for a ratio or a number.
        in_cases: whether cases.csv has a column for it.
        reaches_bounds: whether a missed or an invented tumour gives the worst value, for which an
            interval must allow.
    """

    name: str
    title: str
    definition: str
    value: Callable[[RegionScores], float | None]
    higher_is_better: bool | None
    bounds: Bounds = RATIO
    unit: str = ""
    in_cases: bool = True
    reaches_bounds: bool = True

    @property
    def better(self) -> str:
        """Its direction in one word, for tables."""
        if self.higher_is_better is None:
            return ""
        return "higher" if self.higher_is_better else "lower"


def _lesion(value: Callable[[LesionScores], float]) -> Callable[[RegionScores], float | None]:
    return lambda scores: None if scores.lesions is None else value(scores.lesions)


SCORES = (
    CaseScore(
        name="dice",
        title="Dice",
        definition="2 tp / (2 tp + fp + fn) of all voxels; 1 if both masks are empty",
        value=lambda scores: scores.dice,
        higher_is_better=True,
    ),
    CaseScore(
        name="sensitivity",
        title="Sensitivity",
        definition="tp / (tp + fn); undefined if the ground truth is empty",
        value=lambda scores: scores.sensitivity,
        higher_is_better=True,
    ),
    CaseScore(
        name="specificity",
        title="Specificity",
        definition="tn / (tn + fp) of all voxels of the file, nearly all of them background",
        value=lambda scores: scores.specificity,
        higher_is_better=True,
        reaches_bounds=False,
    ),
    CaseScore(
        name="hd95",
        title="HD95",
        definition=(
            "95th percentile of the distances between the surfaces, weighted by area as in "
            "DeepMind's surface-distance, the larger of both directions; 0 if both masks are "
            f"empty, {PENALTY:g} if one is"
        ),
        value=lambda scores: scores.hd95,
        higher_is_better=False,
        bounds=_MM,
        unit="mm",
    ),
    CaseScore(
        name="hd95_both",
        title="HD95, both",
        definition="hd95 of the cases in which neither mask is empty: there is no penalty in it",
        value=lambda scores: scores.hd95 if scores.has_both else None,
        higher_is_better=False,
        bounds=_AMOUNT,
        unit="mm",
        in_cases=False,
        reaches_bounds=False,
    ),
    CaseScore(
        name="nsd",
        title="NSD",
        definition=(
            "normalised surface distance: share of the area of both surfaces that lies within the "
            "tolerance of the other; 1 if both masks are empty, 0 if one is"
        ),
        value=lambda scores: scores.nsd,
        higher_is_better=True,
    ),
    CaseScore(
        name="lesion_dice",
        title="Lesion Dice",
        definition=(
            "BraTS 2023: mean Dice of the lesions of the ground truth and of invented lesions, "
            "which count as 0, as missed ones do"
        ),
        value=_lesion(lambda lesions: lesions.lesion_dice),
        higher_is_better=True,
    ),
    CaseScore(
        name="lesion_hd95",
        title="Lesion HD95",
        definition=(
            "BraTS 2023: mean HD95 of the same lesions; a missed or an invented one counts as "
            f"{PENALTY:g}"
        ),
        value=_lesion(lambda lesions: lesions.lesion_hd95),
        higher_is_better=False,
        bounds=_MM,
        unit="mm",
    ),
    CaseScore(
        name="lesions_found",
        title="Found",
        definition="number of lesions of the ground truth that a predicted lesion lies at",
        value=_lesion(lambda lesions: lesions.found),
        higher_is_better=True,
        bounds=_AMOUNT,
    ),
    CaseScore(
        name="lesions_missed",
        title="Missed",
        definition="number of the other lesions of the ground truth",
        value=_lesion(lambda lesions: lesions.missed),
        higher_is_better=False,
        bounds=_AMOUNT,
    ),
    CaseScore(
        name="lesions_invented",
        title="Invented",
        definition="number of predicted lesions that lie at no lesion of the ground truth",
        value=_lesion(lambda lesions: lesions.invented),
        higher_is_better=False,
        bounds=_AMOUNT,
    ),
    CaseScore(
        name="volume_reference_ml",
        title="True volume",
        definition="volume of the region in the ground truth",
        value=lambda scores: scores.volume_reference_ml,
        higher_is_better=None,
        bounds=_AMOUNT,
        unit="ml",
    ),
    CaseScore(
        name="volume_predicted_ml",
        title="Predicted volume",
        definition="volume of the region in the mask",
        value=lambda scores: scores.volume_predicted_ml,
        higher_is_better=None,
        bounds=_AMOUNT,
        unit="ml",
    ),
)
