"""Which predicted lesions belong to which ground truth lesions, as BraTS 2023 decides it.

A ground truth lesion reaches as far as its dilation, and lesions whose reaches touch are one. A
predicted lesion belongs to every lesion in whose reach it has a voxel.
"""

from dataclasses import dataclass
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array, csr_array

from lightning_app.metrics.volume.masks import Box, Mask

FACES_AND_EDGES = ndimage.generate_binary_structure(3, 2)
FACES_EDGES_AND_CORNERS = ndimage.generate_binary_structure(3, 3)

Labels = NDArray[np.signedinteger]


@dataclass(frozen=True)
class LabelledLesions:
    """The lesions of one mask.

    Attributes:
        labels: (D, H, W), 0 outside of the lesions, whose labels are 1, 2, ...
        voxels: number of voxels by label, (lesions + 1,).
        boxes: bounding box by label, the first one that of no lesion.
    """

    labels: Labels
    voxels: NDArray[np.intp]
    boxes: tuple[Box, ...]

    @classmethod
    def of(cls, labels: Labels) -> Self:
        """From a label map in which no label is left out."""
        boxes = cast("list[Box]", ndimage.find_objects(labels))
        nowhere = (slice(0, 0), slice(0, 0), slice(0, 0))
        return cls(labels, np.bincount(labels.ravel(), minlength=1), (nowhere, *boxes))

    def __len__(self) -> int:
        return len(self.boxes) - 1


@dataclass(frozen=True)
class MatchedLesions:
    """The lesions of ground truth and prediction, and what belongs together.

    Attributes:
        reference: lesions of the ground truth.
        predicted: lesions of the prediction.
        shared: voxels in both, (reference + 1, predicted + 1), by label. Lesions that belong
            together have a value that is stored, which may be 0.
    """

    reference: LabelledLesions
    predicted: LabelledLesions
    shared: csr_array[np.int64]

    def matches(self, label: int) -> NDArray[np.int32]:
        """The labels of the predicted lesions that belong to a ground truth lesion."""
        return self.shared.indices[self.shared.indptr[label] : self.shared.indptr[label + 1]]

    def dice(self, label: int) -> float:
        """Dice of a ground truth lesion and the predicted lesions that belong to it."""
        shared = self.shared.data[self.shared.indptr[label] : self.shared.indptr[label + 1]].sum()
        predicted = self.predicted.voxels[self.matches(label)].sum()
        return float(2 * shared / (self.reference.voxels[label] + predicted))

    def unmatched(self) -> NDArray[np.intp]:
        """The labels of the predicted lesions that belong to none, ascending."""
        matched = self.shared.indices[self.shared.indptr[1] :]
        return np.setdiff1d(np.arange(1, len(self.predicted) + 1), matched)


def match_lesions(reference: Mask, prediction: Mask, dilations: int) -> MatchedLesions:
    """Find the lesions of two masks (D, H, W) and match them.

    Args:
        reference: the ground truth.
        prediction: of the same shape.
        dilations: how often a ground truth lesion grows by a voxel, across faces and edges.
    """
    # The dilation of all lesions that touch is that of each of their voxels: no lesion need be
    # dilated by itself. Cropping it to a box around the lesions joins and separates nothing.
    dilated = ndimage.binary_dilation(reference, FACES_AND_EDGES, dilations)
    reach, _ = ndimage.label(dilated, FACES_EDGES_AND_CORNERS)
    components, _ = ndimage.label(prediction, FACES_EDGES_AND_CORNERS)
    lesions = LabelledLesions.of(np.where(reference, reach, 0))
    predicted = LabelledLesions.of(components)
    pairs = (reach[prediction], components[prediction])
    in_both = reference[prediction].astype(np.int64)
    shared = coo_array((in_both, pairs), shape=(len(lesions) + 1, len(predicted) + 1)).tocsr()
    return MatchedLesions(lesions, predicted, shared)
