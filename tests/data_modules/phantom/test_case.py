import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from data_modules.phantom import PhantomCase, case_ids, phantom_case
from data_modules.phantom.anatomy import grids
from data_modules.phantom.anatomy.brain import Anatomy
from data_modules.phantom.anatomy.tumour import VOLUME_RANGE, plan_tumour, plan_volume

DEPTH = 8
ML = 155 / DEPTH / 1000


@pytest.fixture(scope="module")
def cases() -> list[PhantomCase]:
    return [phantom_case(seed=0, index=index, depth=DEPTH) for index in range(8)]


def dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def test_shapes_types_and_values(cases: list[PhantomCase]) -> None:
    for case in cases:
        assert list(case.images) == ["t1n", "t1c", "t2w", "t2f"]
        assert all(i.shape == (DEPTH, 240, 240) for i in case.images.values())
        assert all(i.dtype == np.int16 for i in case.images.values())
        assert case.labels.dtype == np.uint8
        assert set(np.unique(case.labels)) <= {0, 1, 2, 3}


def test_background_is_0_and_the_brain_is_the_same_in_all_modalities(
    cases: list[PhantomCase],
) -> None:
    for case in cases:
        brain = case.images["t1n"] > 0
        assert all(np.array_equal(image > 0, brain) for image in case.images.values())
        assert all(image.min() == 0 for image in case.images.values())
        assert not case.labels[~brain].any()
        assert 1.1 < brain.sum() * ML / 1000 < 1.9  # litres


def test_volumes_are_in_range(cases: list[PhantomCase]) -> None:
    low, high = VOLUME_RANGE
    volumes = [np.count_nonzero(case.labels) * ML for case in cases]

    assert all(0.5 * low < volume < 1.3 * high for volume in volumes)


def test_planned_volumes_have_the_mean_and_range_of_brats() -> None:
    rng = np.random.default_rng(0)
    volumes = [plan_volume(rng) for _ in range(5000)]

    assert np.mean(volumes) == pytest.approx(95, abs=4)
    assert min(volumes) >= 5
    assert max(volumes) <= 250


def test_necrosis_lies_within_the_rim(cases: list[PhantomCase]) -> None:
    necrotic = [case.labels for case in cases if np.count_nonzero(case.labels == 1) > 50]
    assert len(necrotic) == 6
    in_slice = ndimage.generate_binary_structure(3, 1)
    in_slice[[0, 2]] = False
    for labels in necrotic:
        border = ndimage.binary_dilation(labels == 1, in_slice) & (labels != 1)
        assert (labels == 3)[border].mean() > 0.75


@pytest.mark.parametrize(("modality", "label"), [("t2f", 2), ("t1c", 3)])
def test_contrast(modality: str, label: int, cases: list[PhantomCase]) -> None:
    for case in cases:
        healthy = (case.images["t1n"] > 0) & (case.labels == 0)
        image, tumour = case.images[modality], case.labels == label
        assert np.count_nonzero(tumour) > 200
        assert np.median(image[tumour]) > np.percentile(image[healthy], 75)


def test_some_tumours_do_not_enhance_and_some_have_several_foci() -> None:
    anatomy = Anatomy(np.random.default_rng(0))
    section = anatomy.section(grids.coarse())
    depth = anatomy.bodies(section).white_depth()
    tumours = [
        plan_tumour(np.random.default_rng(seed), section, depth, ml=80, growth=1)
        for seed in range(300)
    ]

    assert np.mean([not t.enhancing for t in tumours]) == pytest.approx(0.05, abs=0.03)
    assert np.mean([len(t.foci) > 1 for t in tumours]) == pytest.approx(0.12, abs=0.05)


def test_one_slice_is_the_middle_one(cases: list[PhantomCase]) -> None:
    single = phantom_case(seed=0, index=1, depth=1)

    np.testing.assert_array_equal(single.labels[0], cases[1].labels[DEPTH // 2])
    for modality, image in single.images.items():
        np.testing.assert_array_equal(image[0], cases[1].images[modality][DEPTH // 2])


def test_heights() -> None:
    np.testing.assert_allclose(grids.heights(155), np.arange(155) - 70.0)
    assert all(grids.heights(depth)[depth // 2] == 7.0 for depth in range(1, 156))


def test_modalities_are_drawn_independently(cases: list[PhantomCase]) -> None:
    alone = phantom_case(seed=0, index=0, depth=DEPTH, modalities=["t2f"])

    assert list(alone.images) == ["t2f"]
    np.testing.assert_array_equal(alone.images["t2f"], cases[0].images["t2f"])


def test_seeds_and_patients_differ(cases: list[PhantomCase]) -> None:
    other = phantom_case(seed=1, index=0, depth=DEPTH)

    assert not np.array_equal(other.labels, cases[0].labels)
    assert dice(cases[0].labels > 0, cases[1].labels > 0) < 0.6


def test_scans_of_one_patient_share_anatomy_but_not_noise_or_tumour() -> None:
    ids = [str(case) for case in case_ids(0, 40)]
    second = next(index for index, name in enumerate(ids) if name.endswith("-001"))

    before, after = (phantom_case(0, index, depth=DEPTH) for index in (second - 1, second))

    assert ids[second][:-4] == ids[second - 1][:-4]
    assert 0.6 < dice(before.labels > 0, after.labels > 0) < 1
    assert dice(before.images["t1n"] > 0, after.images["t1n"] > 0) == 1
    assert not np.array_equal(before.images["t1n"], after.images["t1n"])


def test_as_many_second_scans_as_brats() -> None:
    for seed in range(5):
        ids = [str(case) for case in case_ids(seed, 1251)]
        assert len(set(ids)) == 1251
        assert sum(name.endswith("-001") for name in ids) == 118
        assert len({name[:-4] for name in ids}) == 1133


def test_a_longer_list_begins_with_the_shorter_one() -> None:
    assert case_ids(3, 100)[:17] == case_ids(3, 17)
