"""The scores of a case, computed in a worker process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lightning_app.evaluation.case_scores import RegionScores, case_scores
from lightning_app.evaluation.inputs.pairing import CaseFiles
from lightning_app.evaluation.inputs.values import REGIONS
from lightning_app.evaluation.read_case import CaseLabels, read_case
from lightning_app.metrics.case_masks import ClassMasks
from lightning_app.metrics.volume.cohorts import Cohort


@dataclass(frozen=True)
class CaseResult:
    """The scores of one mask.

    Attributes:
        case: its id.
        patient: whose scan it is.
        is_slice: whether it is a single slice, scored in 2-D.
        regions: by name.
    """

    case: str
    patient: str
    is_slice: bool
    regions: Mapping[str, RegionScores]


@dataclass(frozen=True)
class CaseJob:
    """Scores the masks of a case.

    Attributes:
        files: of the case.
        regions: names of the regions to score.
        cohort: defines lesions.
        tolerance: of NSD, in mm.
    """

    files: CaseFiles
    regions: Sequence[str]
    cohort: Cohort
    tolerance: float

    def __call__(self) -> tuple[CaseResult, ...]:
        """The result of each mask. Raises BadFileError for a file that has just changed."""
        labels, reference = read_case(self.files), self.files.reference
        return tuple(
            CaseResult(
                reference.case,
                reference.patient,
                len(labels.reference) == 1,
                {region: self._scores(labels, index, region) for region in self.regions},
            )
            for index in range(len(labels.masks))
        )

    def _scores(self, labels: CaseLabels, index: int, region: str) -> RegionScores:
        prediction, reference = (
            np.isin(array, REGIONS[region]) for array in (labels.masks[index], labels.reference)
        )
        masks = ClassMasks(prediction, reference, labels.spacing)
        return case_scores(masks, self.cohort, self.tolerance)


def score_case(job: CaseJob) -> tuple[CaseResult, ...]:
    """Run a job."""
    return job()
