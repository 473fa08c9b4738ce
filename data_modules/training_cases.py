"""Which cases a training may use, and whose they are."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_modules.catalog.cases import Case, Catalog, read_catalog
from data_modules.catalog.releases import BACKGROUND, ENHANCING, inferred_patient
from data_modules.catalog.splits import read_patients
from data_modules.utils.errors import DataError
from data_modules.utils.words import counted

# Folders of the challenges' validation and test cases, whose labels are not published.
_HELD_OUT = re.compile(r"valid|(?<![a-z])(val(?![a-z])|test)|^imagesTs$", re.IGNORECASE)
_CAVITY = 4  # in releases with scans after treatment; enhancing tumour in those up to 2021


@dataclass(frozen=True)
class TrainingCases:
    """The cases of a data set.

    Attributes:
        cases: Those that may be trained on, sorted by id.
        held_out: Those of validation and test folders without segmentations.
        remarks: What a user should know about the data set as a whole, in a line each.
    """

    cases: list[Case]
    held_out: list[Case]
    remarks: list[str]


def find_training_cases(root: Path, release: str, split_file: Path | None) -> TrainingCases:
    """Find the cases below a root, with the patients that a split file names.

    Raises:
        DataError: The root is a single case, has no case or none with a segmentation, or the file
            cannot be used.
    """
    catalog = read_catalog(root, release)
    _check_not_a_case(catalog, root)
    patients = _patients(split_file, catalog.cases)
    cases = [replace(case, patient=patients.get(case.id, case.patient)) for case in catalog.cases]
    parts = _held_out_parts(cases, catalog.root)
    held_out = [case for part in parts.values() for case in part]
    ids = {case.id for case in held_out}
    labelled = [case for case in cases if case.id not in ids]
    if not labelled:
        raise DataError(
            f"data.root '{root}': no segmentation in {counted(len(cases), 'case')}; training and "
            "testing need one, predict does not"
        )
    remarks = [*catalog.remarks, *_held_out_remarks(parts, catalog.root)]
    return TrainingCases(labelled, held_out, [*remarks, *_patient_remarks(labelled, patients)])


def label_remarks(cases: Iterable[Case], stored: Mapping[str, Sequence[int]]) -> list[str]:
    """A line for each release whose label 4 is not tumour, if 4 occurs in its cases and 3 never.

    Args:
        cases: The cases.
        stored: The values in the segmentation of each case.
    """
    values: dict[str, list[Sequence[int]]] = {}
    for case in cases:
        means = case.release.labels
        if means.get(_CAVITY) == BACKGROUND and means.get(ENHANCING) == ENHANCING:
            values.setdefault(case.release.name, []).append(stored.get(case.id, ()))
    return [
        f"label 4 occurs in {counted(sum(_CAVITY in found for found in of_cases), 'case')} of "
        f"{release}, and label 3 in none: 4 is read as the resection cavity, which is not tumour; "
        "if it is enhancing tumour here, as in BraTS up to 2021, write it as 3"
        for release, of_cases in sorted(values.items())
        if any(_CAVITY in found for found in of_cases)
        and not any(ENHANCING in found for found in of_cases)
    ]


def _check_not_a_case(catalog: Catalog, root: Path) -> None:
    if len(catalog.cases) == 1 and catalog.cases[0].id == catalog.root.name:
        typed = root.absolute()
        # A link to a case lies among cases if it has the case's name.
        above = (typed if typed.name == catalog.root.name else catalog.root).parent
        raise DataError(
            f"data.root '{root}' is a single case, expected the folder above it: '{above}'"
        )


def _patients(split_file: Path | None, cases: Iterable[Case]) -> dict[str, str]:
    if split_file is None:
        return {}
    return read_patients(split_file, {case.id for case in cases})


def _held_out_parts(cases: Iterable[Case], root: Path) -> dict[Path, list[Case]]:
    """Folders that are named as validation or test and have no segmentation, with their cases."""
    parts: dict[Path, list[Case]] = {}
    for case in cases:
        names = case.folder.relative_to(root).parts if case.folder.is_relative_to(root) else ()
        depths = (depth for depth, name in enumerate(names) if _HELD_OUT.search(name))
        if (depth := next(depths, None)) is not None:
            parts.setdefault(root.joinpath(*names[: depth + 1]), []).append(case)
    return {part: of_it for part, of_it in parts.items() if not any(c.segmentation for c in of_it)}


def _held_out_remarks(parts: Mapping[Path, Sequence[Case]], root: Path) -> Iterator[str]:
    if parts:
        folders = sorted(str(part.relative_to(root)) for part in parts)
        yield (
            "cases of validation or test that are not used, as their labels are not published: "
            f"{sum(map(len, parts.values()))} "
            f"({', '.join(folders[:3])}{', ...' if len(folders) > 3 else ''})"
        )


def _patient_remarks(cases: Sequence[Case], patients: Mapping[str, str]) -> Iterator[str]:
    unknown = [c.id for c in cases if c.id not in patients and inferred_patient(c.id) is None]
    if unknown:
        yield (
            f"cases whose patient cannot be inferred from the id: {len(unknown)} of {len(cases)} "
            f"(such as {unknown[0]}); each counts as a patient of its own: if some are of one "
            "patient, name it in a CSV file with the columns case and patient, and give that as "
            "data.split_file"
        )
