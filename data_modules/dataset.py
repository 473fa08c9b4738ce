"""The slices of one split, read from the cache."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from data_modules.batch_dataset import Batch, BatchDataset
from data_modules.cache.memmap import SliceArray
from data_modules.catalog.cases import Case
from data_modules.catalog.releases import BACKGROUND, LABELS
from data_modules.targets import Target
from data_modules.utils.errors import DataError
from data_modules.window import Window, Windows


class SliceDataset(BatchDataset):
    """Axial slices of some cases.

    Args:
        cases: The cases, in the order in which their slices are numbered.
        images: One opened array per modality.
        labels: The opened array of labels.
        whole_volumes: Whether scores count every slice of a volume. The blank ones are no samples:
            no network needs to see them.
        windows: What batches have of each case; None for whole slices.

    Attributes:
        cases: The cases.
        case_index: For each sample, the index of its case.
        slice_index: For each sample, the index of its slice in the volume.
        blank: For each case, the slices that count as background without being samples, ascending.
        windows: What batches have of each case; None for whole slices.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        images: Sequence[SliceArray],
        labels: SliceArray,
        *,
        whole_volumes: bool = False,
        windows: Windows | None = None,
    ) -> None:
        self.cases = list(cases)
        self.windows = windows
        self._images = list(images)
        self._labels = labels
        # Each array omits its blank slices. A slice that any of the arrays holds is used.
        slices = [
            np.unique(np.concatenate([array.indices[case.id] for array in (*images, labels)]))
            for case in cases
        ]
        self.case_index: NDArray[np.int64] = np.repeat(
            np.arange(len(slices)), [len(indices) for indices in slices]
        )
        self.slice_index: NDArray[np.int64] = np.concatenate([np.empty(0, np.int64), *slices])
        depths = [labels.sizes[case.id][2] if whole_volumes else 0 for case in cases]
        self.blank: list[NDArray[np.int64]] = [
            np.setdiff1d(np.arange(depth), indices)
            for depth, indices in zip(depths, slices, strict=True)
        ]
        self._image_rows = [self._rows(array, slices) for array in images]
        self._label_rows = self._rows(labels, slices)

    def __len__(self) -> int:
        return len(self.slice_index)

    @property
    def counted(self) -> int:
        """Number of slices that scores count: the samples and the blank slices."""
        return len(self) + sum(map(len, self.blank))

    def cases_of(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """The cases of some samples, by their indices, ascending, and those that are all blank."""
        all_blank = [
            case
            for case in np.flatnonzero(list(map(len, self.blank)))
            if case not in self.case_index
        ]
        return np.union1d(self.case_index[samples], np.array(all_blank, np.int64))

    def gather(self, indices: Sequence[int]) -> Batch:
        """Gather the batch of some samples, in the order given, cut to their windows.

        Raises:
            DataError: A file of the cache has changed since it was opened.
        """
        images, labels = self.stored(indices)
        if windows := self.windows_of(indices):
            images = [_cut(image, windows) for image in images]
            labels = _cut(labels, windows)
        image = torch.empty(len(indices), len(images), *labels.shape[1:])
        for channel, stored in enumerate(images):
            image[:, channel] = torch.from_numpy(stored)
        return {
            "image": image,
            "labels": torch.from_numpy(labels),
            "sample": torch.tensor(indices, dtype=torch.int64),
        }

    @property
    def shape(self) -> tuple[int, int, int]:
        """Modalities, height and width of a whole slice."""
        height, width = self._labels.values.shape[1:]
        return len(self._images), height, width

    def windows_of(self, indices: Sequence[int]) -> list[Window]:
        """The window of each sample of a batch, all of one size; none for whole slices."""
        if self.windows is None:
            return []
        return self.windows.of_batch(self.case_index[np.asarray(indices, np.int64)].tolist())

    def in_frame(
        self, masks: NDArray[np.bool_], samples: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Masks of samples where their windows are in the whole slices.

        Args:
            masks: (N, classes, H, W), each in the top left corner of an otherwise empty slice.
            samples: Index of each.
        """
        if self.windows is None:
            return masks
        placed = np.zeros_like(masks)
        for mask, sample, whole in zip(masks, samples, placed, strict=True):
            window = self.windows.of_case(self.case_index[sample])
            whole[:, *window.pixels] = mask[:, : window.height, : window.width]
        return placed

    @property
    def groups(self) -> list[int]:
        """For each sample, a number that samples with windows of the same size share."""
        if self.windows is None:
            return [0] * len(self)
        groups: list[int] = self.windows.size_index()[self.case_index].tolist()
        return groups

    @cached_property
    def labels_outside(self) -> NDArray[np.int64]:
        """Pixels of each label outside the window of each sample, (N, labels).

        The background, which comes first, is not counted: its pixels are 0.
        """
        counts = np.zeros((len(self), len(LABELS)), np.int64)
        if self.windows is None:
            return counts
        for sample, row in enumerate(self._label_rows):
            labels = self._labels.file[row]
            labels[self.windows.of_case(self.case_index[sample]).pixels] = BACKGROUND
            if labels.any():
                counts[sample] = np.bincount(labels.ravel(), minlength=len(LABELS))
        counts[:, BACKGROUND] = 0
        return counts

    def stored(self, indices: Sequence[int]) -> tuple[list[NDArray[np.float16]], NDArray[np.uint8]]:
        """Some samples as the cache stores them, whole.

        Returns:
            The images of each modality (N, H, W), and the labels (N, H, W).

        Raises:
            DataError: A file of the cache has changed since it was opened.
        """
        samples = np.asarray(indices, np.int64)
        arrays = zip(self._images, self._image_rows, strict=True)
        images = [array.file[rows[samples]] for array, rows in arrays]
        return images, self._labels.file[self._label_rows[samples]]

    def stored_labels(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """The labels of some samples as the cache stores them, (N, H, W).

        Raises:
            DataError: A file of the cache has changed since it was opened.
        """
        return self._labels.file[self._label_rows[np.asarray(indices, np.int64)]]

    def spacing(self, case: int) -> tuple[float, float, float]:
        """Distance between the voxels of a case, by its index, in mm along x, y and z."""
        x, y, z = self._labels.spacings[self.cases[case].id]
        return x, y, z

    def label_counts(self) -> NDArray[np.int64]:
        """Pixels of each label over all samples, background first."""
        counts = np.zeros(len(LABELS), np.int64)
        for row in self._label_rows:
            counts += np.bincount(self._labels.file[row].ravel(), minlength=len(LABELS))
        return counts

    def target_pixels(self, target: Sequence[int]) -> NDArray[np.int64]:
        """Pixels of the target labels in each sample."""
        is_target = np.isin(LABELS, target)
        pixels = [is_target[self._labels.file[row]].sum() for row in self._label_rows]
        return np.array(pixels, np.int64)

    def most_of(
        self, target: Sequence[int], among: NDArray[np.int64] | None = None
    ) -> dict[int, int]:
        """For each case, by its index, the sample with the most pixels of the target labels.

        Ties go to the lowest slice. A case without target gets its middle slice.

        Args:
            target: The labels.
            among: The samples to choose from, ascending; None for all. A case without any is left
                out.
        """
        pixels = self.target_pixels(target)
        candidates = np.arange(len(self)) if among is None else among
        most: dict[int, int] = {}
        for case in np.unique(self.case_index[candidates]):
            samples = candidates[self.case_index[candidates] == case]
            counts = pixels[samples]
            position = counts.argmax() if counts.any() else len(samples) // 2
            most[int(case)] = int(samples[position])
        return most

    def _rows(self, array: SliceArray, slices: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        rows = [
            array.rows(case.id, indices) for case, indices in zip(self.cases, slices, strict=True)
        ]
        return np.concatenate([np.empty(0, np.int64), *rows])


def check_epochs_differ(validation: SliceDataset, target: Target) -> None:
    """Raise DataError if no pixel of the validation split is in a target."""
    if not validation.target_pixels(target.foreground).any():
        raise DataError(
            f"the validation split has no pixel of target '{target.name}', so no epoch is "
            "better than another; change data.slices, data.target or data.split_seed"
        )


def _cut(slices: NDArray[Any], windows: Sequence[Window]) -> NDArray[Any]:
    """The window of each slice, (N, height, width), of whole slices (N, H, W)."""
    return np.stack([whole[window.pixels] for whole, window in zip(slices, windows, strict=True)])
