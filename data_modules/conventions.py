"""How each BraTS release names its files, its patients and its labels: one table.

A further release is a further row. Inside the program modalities are called as in BraTS 2023
(t1n, t1c, t2w, t2f) and labels are BraTS 2023's (1 necrotic core, 2 oedema, 3 enhancing).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from data_modules.errors import DataError

MODALITIES = ("t1n", "t1c", "t2w", "t2f")
ENDINGS = (".nii.gz", ".nii")

NECROTIC_CORE, OEDEMA, ENHANCING = 1, 2, 3

_DASHES = {"t1n": "-t1n", "t1c": "-t1c", "t2w": "-t2w", "t2f": "-t2f"}
_UNDERSCORES = {"t1n": "_t1", "t1c": "_t1ce", "t2w": "_t2", "t2f": "_flair"}
_LABELS_2017_TO_2021 = {0: 0, 1: NECROTIC_CORE, 2: OEDEMA, 4: ENHANCING}
_LABELS_2023 = {0: 0, 1: NECROTIC_CORE, 2: OEDEMA, 3: ENHANCING}


@dataclass(frozen=True)
class Release:
    """One row of the table.

    Attributes:
        name: what ``data.release`` calls it.
        case_id: matches the whole folder name; its group ``patient`` is the patient.
        images: what follows the folder name in each modality's file name, ending left out.
        segmentation: the same for the segmentation.
        labels: each value of the files and the BraTS 2023 label that it becomes.
        misnamed_segmentations: file stems of segmentations that were published under other names.
    """

    name: str
    case_id: re.Pattern[str]
    images: Mapping[str, str]
    segmentation: str
    labels: Mapping[int, int]
    misnamed_segmentations: tuple[str, ...] = ()


RELEASES = (
    Release(
        name="brats2023",
        case_id=re.compile(r"(?P<patient>BraTS-GLI-\d{5})-0\d{2}"),
        images=_DASHES,
        segmentation="-seg",
        labels=_LABELS_2023,
    ),
    Release(
        # Post-treatment glioma. The resection cavity (4) is not tumour; time points count from 100.
        name="brats2024",
        case_id=re.compile(r"(?P<patient>BraTS-GLI-\d{5})-1\d{2}"),
        images=_DASHES,
        segmentation="-seg",
        labels={**_LABELS_2023, 4: 0},
    ),
    Release(
        name="brats2021",
        case_id=re.compile(r"(?P<patient>BraTS2021_\d{5})"),
        images=_UNDERSCORES,
        segmentation="_seg",
        labels=_LABELS_2017_TO_2021,
    ),
    Release(
        # Case 355 was published with its segmentation under the annotator's file name.
        name="brats2020",
        case_id=re.compile(r"(?P<patient>BraTS20_(Training|Validation)_\d{3})"),
        images=_UNDERSCORES,
        segmentation="_seg",
        labels=_LABELS_2017_TO_2021,
        misnamed_segmentations=("W39_1998.09.19_Segm",),
    ),
    Release(
        # The last number is the time point: Brats18_TCIA04_192_1 is patient TCIA04_192.
        name="brats2017-2019",
        case_id=re.compile(r"(?i:brats)1[789]_(?P<patient>\w+)_\d+"),
        images=_UNDERSCORES,
        segmentation="_seg",
        labels=_LABELS_2017_TO_2021,
    ),
)


def patient_of(case_id: str) -> str:
    """The patient of a case, told by its id; one with a foreign id is a patient of its own.

    Not a matter of ``data.release``: a release that was named wrongly must not undo the split by
    patient.
    """
    matches = (release.case_id.fullmatch(case_id) for release in RELEASES)
    return next((match["patient"] for match in matches if match), case_id)


def releases_named(name: str) -> tuple[Release, ...]:
    """The rows to try for ``data.release``: all of them for ``auto``, else the one of that name.

    Raises:
        DataError: no release has that name.
    """
    if name == "auto":
        return RELEASES
    named = tuple(release for release in RELEASES if release.name == name)
    if not named:
        known = ", ".join(["auto", *(release.name for release in RELEASES)])
        raise DataError(f"data.release is '{name}', expected one of: {known}")
    return named


def release_of(case_id: str, stems: set[str], releases: tuple[Release, ...]) -> Release | None:
    """The release that a folder follows, told by the names of the files in it.

    Args:
        case_id: name of the folder.
        stems: names of its files, endings left out.
        releases: rows to try.

    Returns:
        The row whose file names are there; where several are (releases share file names), the one
        whose case ids look like this one, else the first. None where no row's names are there.
    """
    fitting = [r for r in releases if any(case_id + s in stems for s in r.images.values())]
    for release in fitting:
        if release.case_id.fullmatch(case_id):
            return release
    return fitting[0] if fitting else None
