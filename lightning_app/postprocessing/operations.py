"""Operations on the masks of a case. Each sees a whole volume, and makes nothing out of nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.volume.masks import Spacing
from lightning_app.postprocessing.components import components

ENHANCING = "enhancing"
_INTO = ("core", "necrotic")  # the class that takes the enhancing tumour, of regions and of labels

Masks = NDArray[np.bool_]  # (classes, D, H, W)


class Operation(Protocol):
    """A step of a post-processing. It is a frozen dataclass of numbers.

    Attributes:
        name: in files.
    """

    name: ClassVar[str]

    @property
    def in_words(self) -> str:
        """What it does, in a few words."""

    def apply(self, masks: Masks, classes: Sequence[str], spacing: Spacing) -> Masks:
        """The masks (classes, D, H, W) afterwards; those that are given stay as they are.

        Args:
            masks: of a case.
            classes: their names.
            spacing: distance between voxels in mm along z, y, x.
        """


@dataclass(frozen=True)
class SmallestComponent:
    """Removes the components of each class that are smaller than a volume.

    Attributes:
        mm3: the volume of the smallest component that stays, in mm^3.
    """

    name: ClassVar[str] = "smallest_component"
    mm3: float

    @property
    def in_words(self) -> str:
        """What it does, in a few words."""
        return f"components from {self.mm3:g} mm^3"

    def apply(self, masks: Masks, classes: Sequence[str], spacing: Spacing) -> Masks:
        """See ``Operation``."""
        kept = np.zeros_like(masks)
        for mask, large in zip(masks, kept, strict=True):
            labels, voxels = components(mask)
            large[:] = (voxels * math.prod(spacing) >= self.mm3)[labels] & mask
        return kept


@dataclass(frozen=True)
class LargestComponent:
    """Keeps what lies in the largest component of all classes joined.

    Of components of the same size it is the one that comes first.
    """

    name: ClassVar[str] = "largest_component"

    @property
    def in_words(self) -> str:
        """What it does, in a few words."""
        return "the largest component"

    def apply(self, masks: Masks, classes: Sequence[str], spacing: Spacing) -> Masks:
        """See ``Operation``."""
        labels, voxels = components(np.any(masks, axis=0))
        kept: Masks = masks & (labels == voxels.argmax())
        return kept


@dataclass(frozen=True)
class SmallEnhancingToCore:
    """Makes the enhancing tumour of a case core if there is little of it.

    It becomes core in ``regions``, necrotic core in ``labels``, and background in ``enhancing``,
    which has no core.

    Attributes:
        mm3: the volume from which enhancing tumour stays, in mm^3.
    """

    name: ClassVar[str] = "small_enhancing_to_core"
    mm3: float

    @property
    def in_words(self) -> str:
        """What it does, in a few words."""
        return f"enhancing tumour from {self.mm3:g} mm^3"

    def apply(self, masks: Masks, classes: Sequence[str], spacing: Spacing) -> Masks:
        """See ``Operation``.

        Raises:
            ValueError: there is no enhancing tumour among the classes.
        """
        enhancing = list(classes).index(ENHANCING)
        if np.count_nonzero(masks[enhancing]) * math.prod(spacing) >= self.mm3:
            return masks
        changed = masks.copy()
        for index in (classes.index(name) for name in _INTO if name in classes):
            changed[index] |= masks[enhancing]
        changed[enhancing] = False
        return changed
