import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.metrics.volume.cohorts import COHORTS, Cohort
from lightning_app.metrics.volume.lesions import (
    LesionKind,
    LesionScores,
    lesion_dice,
    lesion_scores,
)
from lightning_app.metrics.volume.masks import Mask, Spacing
from lightning_app.metrics.volume.surface import hd95, surface_distances
from lightning_app.utils.errors import UsageError
from tests.helpers import plain_loops

UNIT = (1.0, 1.0, 1.0)
SHAPE = (24, 16, 16)
Parts = list[Mask]


def cube(first: int, last: int, y: tuple[int, int] = (2, 5), x: tuple[int, int] = (2, 5)) -> Mask:
    mask = np.zeros(SHAPE, np.bool_)
    mask[first : last + 1, y[0] : y[1] + 1, x[0] : x[1] + 1] = True
    return mask


def voxel(z: int, y: int, x: int) -> Mask:
    return cube(z, z, (y, y), (x, x))


def union(parts: Parts) -> Mask:
    mask = np.zeros(SHAPE, np.bool_)
    for part in parts:
        mask |= part
    return mask


def counts(scores: LesionScores) -> tuple[int, int, int]:
    return scores.found, scores.missed, scores.invented


FIFTY = cube(2, 3, (2, 6), (2, 6))
TWO = cube(2, 3, (2, 3), (2, 3))
FOUR = cube(2, 5)


@pytest.mark.parametrize(
    ("reference", "prediction", "cohort", "dice", "distance", "expected_counts", "whole"),
    [
        ([], [], "glioma", 1, 0, (0, 0, 0), 0),
        ([FOUR], [], "glioma", 0, 374, (0, 1, 0), 374),
        ([], [voxel(5, 5, 5)], "glioma", 0, 374, (0, 0, 1), 374),
        ([FOUR], [FOUR], "glioma", 1, 0, (1, 0, 0), 0),
        ([FOUR], [cube(3, 6)], "glioma", 0.75, 1, (1, 0, 0), 1),
        ([FOUR], [cube(3, 6), voxel(20, 12, 12)], "glioma", 0.375, 187.5, (1, 0, 1), 1),
        ([FIFTY], [], "glioma", 1, 0, (0, 0, 0), 374),
        ([FIFTY, voxel(4, 4, 4)], [], "glioma", 0, 374, (0, 1, 0), 374),
        ([FOUR], [cube(9, 9)], "glioma", 0, 374, (0, 1, 1), 7),
        ([FOUR, cube(13, 16)], [FOUR], "glioma", 0.5, 187, (1, 1, 0), 11),
        ([FOUR, cube(12, 15)], [FOUR], "glioma", 2 / 3, 10, (1, 0, 0), 10),
        ([FOUR], [cube(2, 3), cube(5, 5)], "glioma", 96 / 112, 1, (1, 0, 0), 1),
        ([TWO], [TWO], "metastases", 1, 0, (1, 0, 0), 0),
        ([FOUR, cube(9, 12)], [FOUR], "meningioma", 0.5, 187, (1, 1, 0), 7),
    ],
)
def test_values_that_the_code_of_the_challenge_gives(
    reference: Parts,
    prediction: Parts,
    cohort: str,
    dice: float,
    distance: float,
    expected_counts: tuple[int, int, int],
    whole: float,
) -> None:
    masks = union(reference), union(prediction)
    scores = lesion_scores(*masks, UNIT, COHORTS[cohort])
    assert scores.lesion_dice == pytest.approx(dice)
    assert scores.lesion_hd95 == pytest.approx(distance)
    assert counts(scores) == expected_counts
    assert hd95(surface_distances(*masks, UNIT)) == whole


# Matching -----------------------------------------------------------------------------------------


def test_one_predicted_lesion_may_belong_to_several_of_the_ground_truth() -> None:
    reference, prediction = union([FOUR, cube(13, 16)]), cube(2, 16)
    scores = lesion_scores(reference, prediction, UNIT, COHORTS["glioma"])
    assert counts(scores) == (2, 0, 0)
    assert [lesion.dice for lesion in scores.lesions] == [2 * 64 / (64 + 240)] * 2
    assert scores.lesion_hd95 == 11


def test_a_predicted_lesion_that_touches_none_belongs_to_one_in_its_reach() -> None:
    scores = lesion_scores(FOUR, voxel(8, 3, 3), UNIT, COHORTS["glioma"])
    assert counts(scores) == (1, 0, 0)
    assert scores.lesion_dice == 0
    assert scores.lesion_hd95 < 374


@pytest.mark.parametrize(
    ("cohort", "offset", "found"),
    [
        ("meningioma", (0, 1, 1), True),
        ("meningioma", (1, 1, 1), False),
        ("meningioma", (0, 0, 2), False),
        ("glioma", (0, 3, 3), True),
        ("glioma", (2, 2, 2), True),
        ("glioma", (1, 3, 3), False),
        ("glioma", (0, 0, 4), False),
    ],
)
def test_a_lesion_grows_across_faces_and_edges(
    cohort: str, offset: tuple[int, int, int], found: bool
) -> None:
    z, y, x = offset
    scores = lesion_scores(FOUR, voxel(5 + z, 5 + y, 5 + x), UNIT, COHORTS[cohort])
    assert counts(scores) == ((1, 0, 0) if found else (0, 1, 1))


def test_voxels_that_share_a_corner_are_one_predicted_lesion() -> None:
    chain = union([FOUR, *(voxel(5 + step, 5 + step, 5 + step) for step in range(1, 7))])
    assert counts(lesion_scores(FOUR, chain, UNIT, COHORTS["meningioma"])) == (1, 0, 0)


def test_what_lies_on_a_ground_truth_lesion_too_small_to_count_is_not_invented() -> None:
    reference = union([FOUR, voxel(20, 12, 12)])
    scores = lesion_scores(reference, reference, UNIT, COHORTS["glioma"])
    assert counts(scores) == (1, 0, 0)
    assert scores.lesion_dice == 1


def test_the_smallest_volume_is_in_mm3() -> None:
    half = cube(2, 3, (2, 6), (2, 4))  # 30 voxels
    for spacing, missed in ((UNIT, 0), ((2.0, 1.0, 1.0), 1)):
        scores = lesion_scores(half, np.zeros_like(half), spacing, COHORTS["glioma"])
        assert scores.missed == missed


def test_a_lesion_in_one_slice_of_a_volume_has_the_surface_of_a_volume() -> None:
    one, other = cube(4, 4, (2, 12), (2, 12)), cube(4, 4, (3, 11), (3, 11))
    scores = lesion_scores(one, other, UNIT, COHORTS["glioma"])
    assert scores.lesion_hd95 == hd95(surface_distances(one, other, UNIT))
    as_slices = surface_distances(one[4:5], other[4:5], UNIT)
    assert scores.lesion_hd95 != hd95(as_slices)


def test_each_lesion_says_what_and_where_it_is() -> None:
    reference = union([FOUR, cube(13, 16)])
    prediction = union([cube(3, 6), voxel(20, 12, 12)])
    found, missed, invented = lesion_scores(
        reference, prediction, (2.0, 1.0, 1.0), COHORTS["meningioma"]
    ).lesions
    assert [found.kind, missed.kind, invented.kind] == [*LesionKind]
    edges = [edge for part in found.box for edge in (part.start, part.stop)]
    assert {type(edge) for edge in edges} == {int}  # a viewer may write them as JSON
    assert [found.volume, missed.volume, invented.volume] == pytest.approx([0.128, 0.128, 0.002])
    assert (found.dice, found.hd95) == (0.75, 2.0)
    assert missed.dice is missed.hd95 is invented.dice is invented.hd95 is None
    assert found.box == (slice(2, 6), slice(2, 6), slice(2, 6))
    assert missed.box == (slice(13, 17), slice(2, 6), slice(2, 6))
    assert invented.box == (slice(20, 21), slice(12, 13), slice(12, 13))


# Any masks ----------------------------------------------------------------------------------------

deterministic = settings(derandomize=True, deadline=None, database=None, max_examples=60)


@st.composite
def sparse_pairs(draw: st.DrawFn) -> tuple[Mask, Mask]:
    """Two masks of a few parts each."""
    shape = (draw(st.integers(2, 12)), draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    one, other = (
        generator.random(shape) < draw(st.sampled_from([0.02, 0.05, 0.2])) for _ in range(2)
    )
    return one, other


cohorts = st.builds(
    Cohort,
    name=st.just("any"),
    challenge=st.just("any"),
    dilations=st.integers(1, 3),
    smallest_mm3=st.sampled_from([0.5, 2.0, 5.0]),
)
spacings = st.sampled_from([UNIT, (2.5, 1.0, 0.5), (0.5, 2.0, 1.0)])


@given(sparse_pairs(), spacings, cohorts)
@deterministic
def test_scores_equal_those_of_plain_loops(
    masks: tuple[Mask, Mask], spacing: Spacing, cohort: Cohort
) -> None:
    scores = lesion_scores(*masks, spacing, cohort)
    (dice, low, high), expected = plain_loops.lesion_means(*masks, spacing, cohort)
    assert counts(scores) == expected
    assert scores.lesion_dice == pytest.approx(dice)
    assert lesion_dice(*masks, spacing, cohort) == pytest.approx(dice)
    assert low - 1e-9 <= scores.lesion_hd95 <= high + 1e-9


@pytest.mark.parametrize("axis", range(3))
@given(masks=sparse_pairs(), spacing=spacings, cohort=cohorts)
@deterministic
def test_moving_and_mirroring_both_masks_changes_nothing(
    axis: int, masks: tuple[Mask, Mask], spacing: Spacing, cohort: Cohort
) -> None:
    one, other = (np.pad(np.flip(mask, axis), ((3, 1), (0, 2), (1, 0))) for mask in masks)
    moved, scores = (lesion_scores(*pair, spacing, cohort) for pair in ((one, other), masks))
    assert counts(moved) == counts(scores)
    assert moved.lesion_dice == pytest.approx(scores.lesion_dice)
    assert moved.lesion_hd95 == pytest.approx(scores.lesion_hd95)


# Wrong masks --------------------------------------------------------------------------------------


def test_a_single_slice_is_refused() -> None:
    mask = np.ones((1, 4, 4), np.bool_)
    with pytest.raises(UsageError, match="defined for volumes, and this case has one slice"):
        lesion_scores(mask, mask, UNIT, COHORTS["glioma"])


def test_masks_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        lesion_scores(FOUR, FOUR[1:], UNIT, COHORTS["glioma"])
