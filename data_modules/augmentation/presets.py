"""Named sets of transforms.

``strong`` follows the 2-D augmentation of nnU-Net (Isensee et al. 2021, supplementary note 4), with
a bias field and elastic deformation besides.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from data_modules.augmentation.augmentation import Augmentation
from data_modules.augmentation.bias_field import BiasField
from data_modules.augmentation.blur import Blur
from data_modules.augmentation.horizontal_flip import HorizontalFlip
from data_modules.augmentation.intensity import Brightness, Contrast, Gamma
from data_modules.augmentation.low_resolution import LowResolution
from data_modules.augmentation.mirror import Mirror
from data_modules.augmentation.noise import Noise
from data_modules.augmentation.spatial import Spatial
from data_modules.augmentation.transform import Transform

Preset = Literal["none", "light", "strong"]

PRESETS: dict[Preset, Callable[[], list[Transform]]] = {
    "none": list,
    "light": lambda: [
        Spatial(rotation=15.0, scale=(0.85, 1.2), elastic_probability=0.0),
        Brightness(),
        Contrast(),
        Mirror(),
    ],
    "strong": lambda: [
        Spatial(),
        Noise(),
        Blur(),
        Brightness(),
        Contrast(),
        LowResolution(),
        Gamma(),
        BiasField(),
        Mirror(),
    ],
}


def chosen_augmentation(
    preset: Preset, further: Sequence[Transform], seed: int, *, flip: bool
) -> Augmentation:
    """The augmentation of a training: the flip, a preset and further transforms, in this order."""
    # Stream 0 belongs to the flip, used or not: to switch it changes no other transform.
    flips = [HorizontalFlip()] if flip else []
    return Augmentation([*flips, *PRESETS[preset](), *further], seed, 1 - len(flips))
