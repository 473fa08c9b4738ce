"""Cases whose images are the same under two ids."""

from collections.abc import Iterator, Sequence

from data_modules.cache.memmap import SliceArray
from data_modules.catalog.cases import Case
from data_modules.utils.problems import Problem


def identical_images(
    cases: Sequence[Case], modalities: Sequence[str], arrays: Sequence[SliceArray]
) -> Iterator[Problem]:
    """A warning for each case whose image has the voxels of another case; one modality is enough.

    Args:
        cases: The cases.
        modalities: Such as t1c.
        arrays: The images of each modality.
    """
    reported: set[str] = set()
    for modality, array in zip(modalities, arrays, strict=True):
        first: dict[object, Case] = {}
        for case in cases:
            if case.id in reported or case.id not in array.digests:
                continue
            # Slices may be blank and alike; the brain around them is not.
            voxels = (array.digests[case.id], array.sizes[case.id], array.intensities[case.id])
            other = first.setdefault(voxels, case)
            if other is not case:
                reported.add(case.id)
                yield _problem(case, other, modality)


def _problem(case: Case, other: Case, modality: str) -> Problem:
    what = f"has the same voxels as case {other.id}"
    remedy = "leave one of the two out"
    if case.patient != other.patient:
        what += ", which counts as another patient"
        remedy += ", or name one patient for both in data.split_file"
    return Problem(case.id, str(case.images[modality]), what, remedy, is_warning=True)
