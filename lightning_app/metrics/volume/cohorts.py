"""What the lesion-wise scores of BraTS 2023 depend on, by cohort.

The values are those of the challenge's code of 2023,
https://github.com/rachitsaluja/BraTS-2023-Metrics. Those of 2024 and 2025 differ.
"""

from dataclasses import dataclass

YEAR = 2023


@dataclass(frozen=True)
class Cohort:
    """The patients of one challenge of BraTS 2023.

    Attributes:
        name: as a user types it.
        challenge: its name at BraTS.
        dilations: how often a lesion grows by a voxel before lesions that touch are merged.
        smallest_mm3: ground truth lesions of at most this volume are left out.
    """

    name: str
    challenge: str
    dilations: int
    smallest_mm3: float


COHORTS = {
    cohort.name: cohort
    for cohort in (
        Cohort("glioma", "BraTS-GLI", dilations=3, smallest_mm3=50),
        Cohort("africa", "BraTS-SSA", dilations=3, smallest_mm3=50),
        Cohort("pediatric", "BraTS-PED", dilations=3, smallest_mm3=50),
        Cohort("meningioma", "BraTS-MEN", dilations=1, smallest_mm3=50),
        Cohort("metastases", "BraTS-MET", dilations=1, smallest_mm3=2),
    )
}
