"""The scores of volumes, as a test and ``evaluate`` compute them."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from lightning_app.metrics.case_masks import CaseMasks, ClassMasks, VolumeSettings
from lightning_app.metrics.case_tables import CaseScores, score_case
from lightning_app.metrics.volume.cohorts import COHORTS
from lightning_app.metrics.volume.lesions import LesionKind
from lightning_app.metrics.volume_scores import VOLUME_SCORES

SHAPE = (24, 16, 16)


def cube(start: int, stop: int) -> NDArray[np.bool_]:
    """A box of 4 x 4 voxels along the first axis, in a volume."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[start:stop, 2:6, 2:6] = True
    return mask


def scores(masks: ClassMasks) -> dict[str, float | None]:
    return {score.name: score.compute(masks) for score in VOLUME_SCORES}


def test_every_score_by_hand() -> None:
    """A cube that was moved by a voxel, and an invented voxel: case 6 of the definition's table."""
    prediction = cube(3, 7)
    prediction[20, 12, 12] = True
    spacing = (1.0, 1.0, 1.0)

    assert scores(ClassMasks(prediction, cube(2, 6), spacing)) == pytest.approx({
        "dice": 96 / 129,
        "sensitivity": 48 / 64,
        "specificity": (math.prod(SHAPE) - 81) / (math.prod(SHAPE) - 64),
        "hd95": 1,
        "hd95_both": 1,
        # All of both surfaces but that of the voxel: eight corners of sqrt(3) / 8 mm2 each.
        "nsd": 1 - math.sqrt(3) / _area_of_both(),
        "lesion_dice": 0.375,
        "lesion_hd95": 187.5,
        "lesions_found": 1,
        "lesions_missed": 0,
        "lesions_invented": 1,
        "volume_reference_ml": 0.064,
        "volume_predicted_ml": 0.065,
        "volume_error": 0.001,
    })  # fmt: skip


def _area_of_both() -> float:
    """Of two cubes of four voxels and of a voxel: 24 corners in a face, 24 on edges, 8 corners."""
    of_cube = 6 * 9 + 12 * 3 * math.sqrt(2) / 2 + 8 * math.sqrt(3) / 8
    return 2 * of_cube + math.sqrt(3)


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        (False, False, {"dice": 1, "hd95": 0, "hd95_both": None, "nsd": 1, "lesion_dice": 1}),
        (True, False, {"dice": 0, "hd95": 374, "hd95_both": None, "nsd": 0, "lesion_hd95": 374}),
        (False, True, {"sensitivity": 0, "hd95": 374, "hd95_both": None, "nsd": 0}),
        (True, True, {"dice": 1, "sensitivity": 1, "hd95": 0, "hd95_both": 0, "nsd": 1}),
    ],
)
def test_empty_masks(
    *, prediction: bool, reference: bool, expected: dict[str, float | None]
) -> None:
    masks = ClassMasks(cube(2, 6) & prediction, cube(2, 6) & reference, (1, 1, 1))
    assert scores(masks).items() >= expected.items()


def test_spacing_tolerance_and_cohort_count() -> None:
    spacing = (2.0, 1.0, 1.0)
    loose = VolumeSettings(tolerance=2.0)
    assert scores(ClassMasks(cube(3, 7), cube(2, 6), spacing, loose)).items() >= {
        "hd95": 2, "nsd": 1, "volume_reference_ml": 0.128,
    }.items()  # fmt: skip
    assert (scores(ClassMasks(cube(3, 7), cube(2, 6), spacing))["nsd"] or 1) < 1

    both = cube(2, 6) | cube(9, 13)  # three voxels between
    for cohort, missed in (("glioma", 0), ("meningioma", 1)):
        masks = ClassMasks(cube(2, 6), both, (1, 1, 1), VolumeSettings(COHORTS[cohort]))
        assert scores(masks)["lesions_missed"] == missed


def scored(slices: list[int], prediction: NDArray[np.bool_]) -> CaseScores:
    """A case of which those slices were tested, all of them with a tumour."""
    reference = cube(0, len(SHAPE) * 8)[slices][:, None]
    masks = CaseMasks("a", "a", slices, prediction[slices][:, None], reference, (1, 1, 1))
    return score_case(masks, ("whole",))


def value(case: CaseScores, name: str) -> float:
    row = [score.name for score in VOLUME_SCORES].index(name)
    return float(case.values[row, 0])


def test_a_single_slice_is_scored_in_2d_without_lesions() -> None:
    case = scored([7], np.roll(cube(0, 24), 2, axis=2))

    assert case.is_slice
    assert (value(case, "dice"), value(case, "hd95")) == (0.5, 2)
    assert math.isnan(value(case, "lesion_dice"))
    assert math.isnan(value(case, "lesions_found"))
    assert case.lesions == [[]]


def test_slices_with_gaps_have_counts_but_neither_surfaces_nor_lesions() -> None:
    case = scored([3, 4, 6], cube(0, 24))

    assert (case.has_gaps, case.is_slice) == (True, False)
    undefined = {
        s.name for s, row in zip(VOLUME_SCORES, case.values, strict=True) if np.isnan(row[0])
    }
    assert undefined == {
        "hd95", "hd95_both", "nsd", "lesion_dice", "lesion_hd95", "lesions_found",
        "lesions_missed", "lesions_invented",
    }  # fmt: skip
    assert value(case, "volume_reference_ml") == pytest.approx(3 * 16 / 1000)


def test_the_box_of_a_lesion_is_where_it_is_in_the_volume() -> None:
    prediction = np.zeros(SHAPE, np.bool_)
    prediction[12:14, 9, 10:13] = True
    case = scored(list(range(5, 20)), prediction)

    (missed, invented) = case.lesions[0]
    assert (missed.kind, missed.box) == (
        LesionKind.MISSED,
        (slice(5, 20), slice(2, 6), slice(2, 6)),
    )
    assert (invented.kind, invented.box) == (
        LesionKind.INVENTED, (slice(12, 14), slice(9, 10), slice(10, 13)),
    )  # fmt: skip
