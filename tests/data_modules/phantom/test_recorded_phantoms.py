"""The phantoms of a seed stay what they were: the figures in docs/ are about them."""

import numpy as np
import pytest

from data_modules.phantom import phantom_case

# By index: of each modality the mean, the deviation and the centre (row, column) of the
# intensities in five slices; then the voxels of necrosis, oedema and enhancing tumour.
RECORDED = {
    3: (  # three foci
        {
            "t1n": (45.55923, 109.1874, 128.7841, 120.1687),
            "t1c": (33.74635, 82.20402, 127.4923, 119.8941),
            "t2w": (149.6309, 373.7611, 128.5, 119.8101),
            "t2f": (53.10197, 127.8615, 128.4891, 120.7004),
        },
        [0, 99, 379],
    ),
    5: (  # the second scan of a patient
        {
            "t1n": (86.58152, 194.6341, 130.3154, 115.4944),
            "t1c": (54.76862, 124.4643, 133.7638, 116.3999),
            "t2w": (406.1946, 969.2554, 132.071, 116.253),
            "t2f": (67.4871, 155.8747, 129.9136, 116.0222),
        },
        [652, 2215, 1271],
    ),
    30: (  # a tumour that does not enhance
        {
            "t1n": (37.07637, 84.86942, 125.95, 120.1901),
            "t1c": (103.9334, 236.2454, 126.4382, 120.8525),
            "t2w": (55.04453, 132.4638, 126.8627, 118.1792),
            "t2f": (15.02484, 34.89266, 126.8735, 117.6206),
        },
        [2490, 2707, 0],
    ),
}


@pytest.mark.parametrize("index", RECORDED)
def test_a_seed_gives_the_phantoms_that_it_always_gave(index: int) -> None:
    intensities, volumes = RECORDED[index]
    case = phantom_case(seed=0, index=index, depth=5)

    for modality, expected in intensities.items():
        image = case.images[modality]
        row, column = (
            np.average(np.arange(240), weights=image.sum(axis)) for axis in ((0, 2), (0, 1))
        )
        # Another CPU may round a few voxels differently.
        assert (image.mean(), image.std(), row, column) == pytest.approx(expected, rel=1e-5)
    assert np.bincount(case.labels.ravel(), minlength=4)[1:] == pytest.approx(volumes, abs=3)
