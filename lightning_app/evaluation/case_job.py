"""The scores of a case, computed in a worker process."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.evaluation.inputs.pairing import CaseFiles
from lightning_app.evaluation.inputs.values import REGIONS
from lightning_app.evaluation.read_case import Labels, read_case
from lightning_app.metrics.case_masks import CaseMasks, VolumeSettings
from lightning_app.metrics.case_tables import CaseScores, score_case


@dataclass(frozen=True)
class CaseJob:
    """Scores the masks of a case.

    Attributes:
        files: of the case.
        regions: names of the regions to score.
        settings: what scores depend on.
    """

    files: CaseFiles
    regions: Sequence[str]
    settings: VolumeSettings

    def __call__(self) -> tuple[CaseScores, ...]:
        """The scores of each mask. Raises BadFileError for a file that has just changed."""
        labels = read_case(self.files)
        reference, whose = self._masks(labels.reference), self.files.reference
        slices = range(len(reference))
        return tuple(
            score_case(
                CaseMasks(
                    whose.case, whose.patient, slices, self._masks(mask), reference,
                    labels.spacing, self.settings,
                ),
                self.regions,
            )
            for mask in labels.masks
        )  # fmt: skip

    def _masks(self, labels: Labels) -> NDArray[np.bool_]:
        """The masks of all regions, (D, regions, H, W)."""
        return np.stack([np.isin(labels, REGIONS[region]) for region in self.regions], axis=1)
