"""How each BraTS release names its files and patients, and what its labels mean: one table.

A new release is a new row. The program uses the modality names (t1n, t1c, t2w, t2f) and the labels
(1 necrotic core, 2 oedema, 3 enhancing tumour) of BraTS 2023.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from data_modules.utils.errors import DataError

Modality = Literal["t1n", "t1c", "t2w", "t2f"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)

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
        name: Its name in ``data.release``.
        case_id: Matches the full case id; the group ``patient`` is the patient.
        images: For each modality, a pattern of the file name without extension; ``{case}`` stands
            for the case id.
        segmentation: The same for the segmentation.
        labels: Maps each value in the files to a BraTS 2023 label.
        channels: Index of each modality, if a case is a single 4-D file.
        described_in: File of a data set that says what its images and labels are, instead of this
            row; see ``nnunet.py``.
    """

    name: str
    case_id: re.Pattern[str]
    images: Mapping[str, str]
    segmentation: str
    labels: Mapping[int, int]
    channels: Mapping[str, int] = field(default_factory=dict)
    described_in: str | None = None

    def image_stems(self, case_id: str, stems: Iterable[str]) -> dict[str, str]:
        """For each modality, the file name without extension that matches its pattern."""
        matches = {m: _match(pattern, case_id, stems) for m, pattern in self.images.items()}
        return {modality: stem for modality, stem in matches.items() if stem is not None}

    def segmentation_stem(self, case_id: str, stems: Iterable[str]) -> str | None:
        """The file name without extension that matches the pattern of the segmentation."""
        return _match(self.segmentation, case_id, stems)


def _of_2023(part: str, name: str, labels: Mapping[int, int]) -> Release:
    """A row of the challenges from 2023 on, which share file names."""
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
    # Children. Both years share case names: only data.release tells them apart.
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
        # Case 355 was published with the annotator's file name for its segmentation.
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
    Release(
        # nnU-Net's raw data: imagesTr/<id>_0000.nii.gz, one number a modality, and
        # labelsTr/<id>.nii.gz. The ids are those of another release, or of any form.
        name="nnunet",
        case_id=re.compile("(?!)"),  # no id is known by its form
        images={},
        segmentation="{case}",
        labels={},
        described_in="dataset.json",
    ),
)


def inferred_patient(case_id: str) -> str | None:
    """The patient of a case, inferred from its id; None for an id of unknown form.

    Independent of ``data.release``: naming the wrong release must not break the split by patient.
    """
    matches = (release.case_id.fullmatch(case_id) for release in RELEASES)
    return next((match["patient"] for match in matches if match), None)


def patient_of(case_id: str) -> str:
    """The patient of a case, inferred from its id; an id of unknown form is its own patient."""
    return inferred_patient(case_id) or case_id


def releases_named(name: str) -> tuple[Release, ...]:
    """The releases to try for ``data.release``: all for ``auto``, else the one with that name.

    Raises:
        DataError: No release has that name.
    """
    if name == "auto":
        return RELEASES
    named = tuple(release for release in RELEASES if release.name == name)
    if not named:
        names = ", ".join(["auto", *(release.name for release in RELEASES)])
        raise DataError(f"data.release is '{name}', expected one of: {names}")
    return named


def release_of(case_id: str, stems: set[str], releases: tuple[Release, ...]) -> Release | None:
    """The release of a folder, inferred from the names of its files.

    Args:
        case_id: Name of the folder.
        stems: Names of its files without extensions.
        releases: Releases to try.

    Returns:
        The release whose file names match. If several match (releases share file names), the one
        whose case id matches too, else the first. None if no release matches.

    Raises:
        DataError: Several releases match by file names and case id.
    """
    matching = [release for release in releases if release.image_stems(case_id, stems)]
    matching_id = [release for release in matching if release.case_id.fullmatch(case_id)]
    if len(matching_id) > 1:
        names = " or ".join(release.name for release in matching_id)
        raise DataError(
            f"case {case_id} may be from {names}, whose labels differ in meaning: name the release "
            "with --data.release"
        )
    return next(iter(matching_id or matching), None)


def _match(pattern: str, case_id: str, stems: Iterable[str]) -> str | None:
    compiled = re.compile(pattern.replace("{case}", re.escape(case_id)), re.IGNORECASE)
    return next((stem for stem in sorted(stems) if compiled.fullmatch(stem)), None)
