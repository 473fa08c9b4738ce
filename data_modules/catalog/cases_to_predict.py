"""Finds the cases that are to be segmented, which need no ground truth."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from data_modules.catalog.cases import Case, check_case_id, find_cases, read_catalog
from data_modules.catalog.folders import stem_of
from data_modules.catalog.releases import RELEASES, releases_named
from data_modules.utils.errors import DataError

_log = logging.getLogger(__name__)


def cases_to_predict(folder: Path, modalities: Sequence[str], release: str) -> list[Case]:
    """All cases in or below a folder, or the case of a single image.

    Raises:
        DataError: no case was found, or a case lacks a modality that the network needs.
    """
    if folder.is_file():
        return [_case_of(folder, modalities, release)]
    catalog = read_catalog(folder, release, option="--input")
    for remark in catalog.remarks:
        _log.warning("--input: %s", remark)
    for case in catalog.cases:
        for problem in case.problems:
            if not problem.is_warning:
                raise DataError(f"--input: {problem}")
            _log.warning("%s", problem)
        missing = [modality for modality in modalities if modality not in case.images]
        if missing:
            raise DataError(
                f"case {case.id} has no {missing[0]} image, the network was trained on: "
                f"{', '.join(modalities)}; the case has: {', '.join(case.images)}"
            )
    return catalog.cases


def _case_of(image: Path, modalities: Sequence[str], release: str) -> Case:
    """The case that a single image belongs to, or one that is named after it."""
    name = stem_of(image)
    if name is None:
        raise DataError(f"--input '{image}' is no image, expected a file such as scan.nii.gz")
    if len(modalities) > 1:
        raise DataError(
            f"--input '{image}' is a single file, the network was trained on "
            f"{', '.join(modalities)}: name a folder that holds them"
        )
    (modality,) = modalities
    path = image.parent.resolve() / image.name  # a link in a case's folder is a file of the case
    for case in _cases_around(path, release):
        if modality in case.images and case.images[modality] == path:
            return replace(case, images={modality: path})
        if path in case.files:
            what = next((m for m, file in case.images.items() if file == path), "segmentation")
            raise DataError(
                f"--input '{image}' is the {what} of case {case.id}, the network was trained on "
                f"{modality}"
            )
    check_case_id(name)
    # A file by itself is read as it is, whatever the files of the training were.
    named = (*releases_named(release), *RELEASES)
    single = next(release for release in named if not release.channels)
    return Case(name, name, path.parent, single, {modality: path}, None)


def _cases_around(image: Path, release: str) -> list[Case]:
    """The cases in the folder of an image; none if it holds none."""
    try:
        return find_cases(image.parent, release, levels=0)
    except DataError:
        return []
