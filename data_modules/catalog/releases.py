"""How each BraTS release names its files, its patients and its labels: one table.

A further release is a further row. Inside the program modalities are called as in BraTS 2023
(t1n, t1c, t2w, t2f) and labels are BraTS 2023's (1 necrotic core, 2 oedema, 3 enhancing).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from data_modules.utils.errors import DataError

Modality = Literal["t1n", "t1c", "t2w", "t2f"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
ENDINGS = (".nii.gz", ".nii", ".mha")

BACKGROUND, NECROTIC_CORE, OEDEMA, ENHANCING = LABELS = (0, 1, 2, 3)

_DASHES = {"t1n": "{case}-t1n", "t1c": "{case}-t1c", "t2w": "{case}-t2w", "t2f": "{case}-t2f"}
_UNDERSCORES = {"t1n": "{case}_t1", "t1c": "{case}_t1ce", "t2w": "{case}_t2", "t2f": "{case}_flair"}
_NUMBERED = {
    "t1n": r"VSD\.Brain\.XX\.O\.MR_T1\.\d+",
    "t1c": r"VSD\.Brain\.XX\.O\.MR_T1c\.\d+",
    "t2w": r"VSD\.Brain\.XX\.O\.MR_T2\.\d+",
    "t2f": r"VSD\.Brain\.XX\.O\.MR_Flair\.\d+",
}
_LABELS_2017_TO_2021 = {0: 0, 1: NECROTIC_CORE, 2: OEDEMA, 4: ENHANCING}
_LABELS_2023 = {0: 0, 1: NECROTIC_CORE, 2: OEDEMA, 3: ENHANCING}


@dataclass(frozen=True)
class Release:
    """One row of the table.

    Attributes:
        name: what ``data.release`` calls it.
        case_id: matches the whole case id; its group ``patient`` is the patient.
        images: for each modality a pattern of its file's name without ending; ``{case}`` stands for
            the case id.
        segmentation: the same for the segmentation.
        labels: each value of the files and the BraTS 2023 label that it becomes.
        channels: where a case is one 4-D file, the place of each modality in it.
    """

    name: str
    case_id: re.Pattern[str]
    images: Mapping[str, str]
    segmentation: str
    labels: Mapping[int, int]
    channels: Mapping[str, int] = field(default_factory=dict)

    def image_stems(self, case_id: str, stems: Iterable[str]) -> dict[str, str]:
        """Which of some names is which modality."""
        found = {m: _matching(pattern, case_id, stems) for m, pattern in self.images.items()}
        return {modality: stem for modality, stem in found.items() if stem is not None}

    def segmentation_stem(self, case_id: str, stems: Iterable[str]) -> str | None:
        """Which of some names is the segmentation."""
        return _matching(self.segmentation, case_id, stems)


def _of_2023(part: str, name: str, labels: Mapping[int, int]) -> Release:
    """A row of the 2023 and later challenges, which name their files alike."""
    case_id = re.compile(rf"(?P<patient>BraTS-{part}-\d{{5}})-\d{{3}}")
    return Release(name, case_id, _DASHES, "{case}-seg", labels)


RELEASES = (
    Release(
        name="brats2023",
        case_id=re.compile(r"(?P<patient>BraTS-GLI-\d{5})-0\d{2}"),
        images=_DASHES,
        segmentation="{case}-seg",
        labels=_LABELS_2023,
    ),
    Release(
        # Post-treatment glioma. The resection cavity (4) is not tumour; time points count from 100.
        name="brats2024",
        case_id=re.compile(r"(?P<patient>BraTS-GLI-\d{5})-1\d{2}"),
        images=_DASHES,
        segmentation="{case}-seg",
        labels={**_LABELS_2023, 4: 0},
    ),
    _of_2023("SSA", "brats-ssa", _LABELS_2023),
    _of_2023("MEN", "brats-men", _LABELS_2023),
    # Metastases. Scans after treatment have the resection cavity (4).
    _of_2023("MET", "brats-met", {**_LABELS_2023, 4: 0}),
    # Children. Both years name their cases alike: only a named release tells them apart.
    _of_2023("PED", "brats-ped2023", _LABELS_2023),
    _of_2023(
        "PED",
        "brats-ped2024",
        {0: 0, 1: ENHANCING, 2: NECROTIC_CORE, 3: NECROTIC_CORE, 4: OEDEMA},
    ),
    Release(
        # Meningioma before radiotherapy. The one label, the gross tumour volume, counts as core.
        name="brats-men-rt",
        case_id=re.compile(r"(?P<patient>BraTS-MEN-RT-\d{4})-\d"),
        images={"t1c": "{case}_t1c"},
        segmentation="{case}_gtv",
        labels={0: 0, 1: NECROTIC_CORE},
    ),
    Release(
        name="brats2021",
        case_id=re.compile(r"(?P<patient>BraTS2021_\d{5})"),
        images=_UNDERSCORES,
        segmentation="{case}_seg",
        labels=_LABELS_2017_TO_2021,
    ),
    Release(
        # Case 355 was published with its segmentation under the annotator's file name.
        name="brats2020",
        case_id=re.compile(r"(?P<patient>BraTS20_(Training|Validation)_\d{3})"),
        images=_UNDERSCORES,
        segmentation=r"{case}_seg|W39_1998\.09\.19_Segm",
        labels=_LABELS_2017_TO_2021,
    ),
    Release(
        # The last number is the time point: Brats18_TCIA04_192_1 is patient TCIA04_192.
        name="brats2017-2019",
        case_id=re.compile(r"(?i:brats)1[789]_(?P<patient>\w+)_\d+"),
        images=_UNDERSCORES,
        segmentation="{case}_seg",
        labels=_LABELS_2017_TO_2021,
    ),
    Release(
        # 2013 numbers the patients of each grade: HG_0001 lies in HG/0001. In 2015 the number at
        # the end is the time point. Non-enhancing core (3) counts as necrotic.
        name="brats2013-2015",
        case_id=re.compile(r"(?P<patient>[HL]G_\d{4}|brats_(2013|tcia)_pat\d+)(_\w+)?"),
        images=_NUMBERED,
        segmentation=r"VSD\.Brain_\dmore\.XX\.(O|XX)\.OT\.\d+",
        labels={0: 0, 1: NECROTIC_CORE, 2: OEDEMA, 3: NECROTIC_CORE, 4: ENHANCING},
    ),
    Release(
        # Medical Segmentation Decathlon: imagesTr/BRATS_001.nii.gz and labelsTr/BRATS_001.nii.gz.
        name="msd-task01",
        case_id=re.compile(r"(?P<patient>BRATS_\d{3})"),
        images=dict.fromkeys(MODALITIES, "{case}"),
        segmentation="{case}",
        labels={0: 0, 1: OEDEMA, 2: NECROTIC_CORE, 3: ENHANCING},
        channels={"t2f": 0, "t1n": 1, "t1c": 2, "t2w": 3},
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

    Raises:
        DataError: the names alone do not decide between releases.
    """
    fitting = [release for release in releases if release.image_stems(case_id, stems)]
    named_so = [release for release in fitting if release.case_id.fullmatch(case_id)]
    if len(named_so) > 1:
        names = " or ".join(release.name for release in named_so)
        raise DataError(
            f"case {case_id} may be of {names}, which mean different things by their labels: say "
            "which with --data.release"
        )
    return next(iter(named_so or fitting), None)


def _matching(pattern: str, case_id: str, stems: Iterable[str]) -> str | None:
    compiled = re.compile(pattern.replace("{case}", re.escape(case_id)))
    return next((stem for stem in sorted(stems) if compiled.fullmatch(stem)), None)
