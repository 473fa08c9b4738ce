"""Which mask belongs to which ground truth, and what becomes of a case without a mask."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data_modules.utils.problems import Problem
from lightning_app.evaluation.inputs.mask_folder import MaskFolder
from lightning_app.evaluation.inputs.references import OPTION, Reference, References
from lightning_app.evaluation.inputs.values import LabelMap, Values

# A case without a mask stops the evaluation, its mask counts as empty, or it is left out.
OnMissing = Literal["stop", "empty", "skip"]

_COMPARED = 100  # ids that a name is compared with, letter by letter: it takes long


@dataclass(frozen=True)
class MaskSet:
    """The masks of one tool or rater, and what their values mean."""

    folder: MaskFolder
    values: Values
    why: str


@dataclass(frozen=True)
class CaseFiles:
    """The files of one case.

    Attributes:
        reference: its ground truth.
        masks: one of each set; None if it is missing.
    """

    reference: Reference
    masks: tuple[LabelMap | None, ...]

    @property
    def is_complete(self) -> bool:
        """Whether no mask is missing."""
        return None not in self.masks


def pair(references: References, sets: Sequence[MaskSet]) -> list[CaseFiles]:
    """The files of each case that has ground truth and, in one of the sets, a mask or none."""
    return [
        CaseFiles(reference, tuple(_mask(of_set, case) for of_set in sets))
        for case, reference in references.cases.items()
    ]


def pairing_problems(
    references: References, sets: Sequence[MaskSet], on_missing: OnMissing
) -> list[Problem]:
    """Masks without ground truth, and ground truth without a mask if that is to stop."""
    found: list[Problem] = []
    for of_set in sets:
        found += _without_reference(references, of_set.folder)
        if on_missing == "stop":
            found += _without_mask(references, of_set.folder)
    return found


def _mask(of_set: MaskSet, case: str) -> LabelMap | None:
    path: Path | None = of_set.folder.masks.get(case)
    return None if path is None else LabelMap(path, of_set.values)


def _without_reference(references: References, folder: MaskFolder) -> Iterator[Problem]:
    without_mask = [case for case in references.cases if case not in folder.masks]
    for case, path in folder.masks.items():
        if case in references.cases:
            continue
        near = _nearest(case, without_mask)
        nearest = f"; nearest without a mask: {near}" if near else ""
        has = "has no segmentation of it" if case in references.unlabelled else "has no such case"
        what = f"{OPTION} '{references.path}' {has}{nearest}"
        yield Problem(
            case,
            str(path),
            what,
            "rename the mask, and the JSON of predict beside it, or move it away",
        )


def _nearest(case: str, others: Sequence[str]) -> str | None:
    """The id that a name holds, as <case>-seg does, or else one that is like it."""
    if held := next((other for other in others if other.lower() in case.lower()), None):
        return held
    alike = difflib.get_close_matches(case, others[:_COMPARED], n=1)
    return alike[0] if alike else None


def _without_mask(references: References, folder: MaskFolder) -> Iterator[Problem]:
    for case in references.cases:
        if case not in folder.masks:
            what = f"no mask of case {case}, expected {case}.nii.gz"
            remedy = (
                "add it, leave such cases out with --on_missing skip, or count missing masks as "
                "empty with --on_missing empty"
            )
            yield Problem(case, str(folder.path), what, remedy)
