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
DEFAULT_COHORT = COHORTS["glioma"]
# By the release of a case; all others are of glioma.
_OF_RELEASE = {
    "brats-ssa": "africa",
    "brats-men": "meningioma",
    "brats-men-rt": "meningioma",
    "brats-met": "metastases",
    "brats-ped2023": "pediatric",
    "brats-ped2024": "pediatric",
}


def cohort_of(release: str | None) -> Cohort:
    """The cohort of a release of BraTS; glioma for any other data."""
    return COHORTS[_OF_RELEASE[release]] if release in _OF_RELEASE else DEFAULT_COHORT
