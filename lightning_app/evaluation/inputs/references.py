"""The ground truth: a data set as in BraTS, or a folder of label maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_modules.catalog.cases import Case, Catalog, read_catalog
from data_modules.catalog.releases import RELEASES, inferred_patient, patient_of, releases_named
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem
from data_modules.utils.words import counted
from lightning_app.evaluation.inputs.mask_folder import MaskFolder, list_masks
from lightning_app.evaluation.inputs.values import ALL_REGIONS, CHOICES, LabelMap, Values, values_of

OPTION = "--reference"
RELEASE_OPTION = "--data.release"  # as in other commands, whose messages name it


@dataclass(frozen=True)
class Reference:
    """The ground truth of a case.

    Attributes:
        case: its id.
        patient: whose scan it is.
        label_map: the file.
        release: the release that its name or its files are of, or that the user typed; None if
            nothing tells.
        images: the scans that it belongs to, if they are there.
    """

    case: str
    patient: str
    label_map: LabelMap
    release: str | None
    images: tuple[Path, ...] = ()


@dataclass(frozen=True)
class References:
    """All ground truth in a folder.

    Attributes:
        path: the folder.
        cases: by id, sorted.
        unlabelled: ids of cases without ground truth.
        problems: what is wrong with how files are stored.
        remarks: what a user should know, in a line each.
        values: what its values mean, and how that is known.
    """

    path: Path
    cases: Mapping[str, Reference]
    unlabelled: frozenset[str]
    problems: list[Problem]
    remarks: list[str]
    values: str


def read_references(path: Path, release: str, typed: str | None) -> References:
    """Find the ground truth in a folder.

    Args:
        path: a data set that ``prepare`` can read, or a folder of label maps.
        release: what the ground truth is of, or ``auto``.
        typed: the values of label maps as the user typed them; None if not.

    Raises:
        DataError: there is none, or it cannot be read.
        UsageError: files beside label maps contradict each other.
    """
    folder = list_masks(path, OPTION)
    try:
        catalog = read_catalog(path, release, option=OPTION)
    except DataError as error:
        if not folder.masks:
            raise DataError(f"{error}, or label maps <case>.nii.gz") from None
        return _of_label_maps(folder, release, typed)
    # Label maps may lie beside folders of cases; a folder that is a case is none of label maps.
    if folder.masks and not any(case.folder == catalog.root for case in catalog.cases):
        return _of_label_maps(folder, release, typed)
    return _of_data_set(catalog, typed)


def _of_label_maps(folder: MaskFolder, release: str, typed: str | None) -> References:
    named = None if release == "auto" else releases_named(release)[0]
    if named and named.labels:
        values, why = Values(named.name, named.labels, option=RELEASE_OPTION), "as typed"
    else:
        values, why = values_of(folder, typed)
    cases = {
        case: Reference(
            case,
            patient_of(case),
            LabelMap(file, values),
            _release_of_id(case) or (named.name if named else None),
        )
        for case, file in folder.masks.items()
    }
    remarks = [*folder.remarks, *_patient_remarks(list(cases))]
    known = f"{values.name}, {why}"
    return References(folder.path, cases, frozenset(), folder.problems, remarks, known)


def _of_data_set(catalog: Catalog, typed: str | None) -> References:
    regions = CHOICES[typed].regions if typed else ALL_REGIONS
    cases = {
        case.id: _of_case(case, case.segmentation, regions)
        for case in catalog.cases
        if case.segmentation is not None
    }
    if not cases:
        number = counted(len(catalog.cases), "case")
        raise DataError(f"{OPTION} '{catalog.root}' has {number}, none with a segmentation")
    found = [problem for case in catalog.cases for problem in case.problems]
    releases = sorted({case.release.name for case in catalog.cases})
    return References(
        catalog.root,
        cases,
        frozenset(case.id for case in catalog.cases) - cases.keys(),
        [problem for problem in found if not problem.is_warning],
        [*catalog.remarks, *(str(p) for p in found if p.is_warning), *_patient_remarks([*cases])],
        f"release {', '.join(releases)}",
    )


def _of_case(case: Case, segmentation: Path, regions: tuple[str, ...]) -> Reference:
    values = Values(case.release.name, case.release.labels, regions, RELEASE_OPTION)
    release = _release_of_id(case.id) or case.release.name
    images = tuple(path for m, path in case.images.items() if case.channel(m) is None)
    return Reference(case.id, case.patient, LabelMap(segmentation, values), release, images)


def _release_of_id(case: str) -> str | None:
    return next((r.name for r in RELEASES if r.case_id.fullmatch(case)), None)


def _patient_remarks(cases: list[str]) -> list[str]:
    unknown = [case for case in cases if inferred_patient(case) is None]
    if not unknown:
        return []
    number = f"{len(unknown)} of {len(cases)} (such as {unknown[0]})"
    return [f"patient not inferred from the id of {number}: each counts as a patient of its own"]
