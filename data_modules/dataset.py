"""The slices of one side, fetched a whole batch at a time."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from data_modules.cache.memmap import SliceArray
from data_modules.catalog.cases import Case
from data_modules.samplers import Item

Batch = dict[str, Tensor]


class SliceDataset(Dataset[Batch]):
    """Axial slices of some cases.

    A batch holds ``image`` float32 (N, modalities, H, W), z-scored over each volume's brain;
    ``labels`` uint8 (N, H, W), BraTS 2023's; ``sample`` int64 (N,), the index in this set.

    Args:
        cases: whose slices, in this order.
        images: one opened array a modality.
        labels: the opened array of labels.
        flip_seed: mirrors each slice left to right with probability one half, by a coin thrown from
            this seed, the epoch and the sample alone. None: never.

    Attributes:
        cases: the cases.
        case_index: for each sample, the index of its case.
        slice_index: for each sample, the index of the slice in the volume.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        images: Sequence[SliceArray],
        labels: SliceArray,
        flip_seed: int | None = None,
    ) -> None:
        self.cases = list(cases)
        self._images = list(images)
        self._labels = labels
        self._flip_seed = flip_seed
        # An array leaves out slices with nothing in them; what any of the arrays holds is used.
        slices = [
            np.unique(np.concatenate([a.indices[case.id] for a in (*images, labels)]))
            for case in cases
        ]
        self.case_index: NDArray[np.int64] = np.repeat(
            np.arange(len(slices)), [len(one) for one in slices]
        )
        self.slice_index: NDArray[np.int64] = np.concatenate([np.empty(0, np.int64), *slices])
        self._image_rows = [self._rows(array, slices) for array in images]
        self._label_rows = self._rows(labels, slices)

    def __len__(self) -> int:
        return len(self.slice_index)

    def __getitem__(self, item: Item) -> Batch:
        """A batch of one sample."""
        return self.__getitems__([item])

    def __getitems__(self, items: Sequence[Item]) -> Batch:
        """The batch of some (epoch, sample index) pairs, in their order.

        Raises:
            DataError: a file of the cache has changed since it was opened.
        """
        samples = [index for _, index in items]
        images, labels = self.stored(samples)
        mirrored = np.flatnonzero(self.mirrored(items))
        for one in images:
            one[mirrored] = one[mirrored, :, ::-1]
        labels[mirrored] = labels[mirrored, :, ::-1]
        image = torch.empty(len(items), *self.shape)
        for channel, one in enumerate(images):
            image[:, channel] = torch.from_numpy(one)
        return {
            "image": image,
            "labels": torch.from_numpy(labels),
            "sample": torch.tensor(samples),
        }

    @property
    def shape(self) -> tuple[int, int, int]:
        """Modalities, height and width of a slice."""
        height, width = self._labels.values.shape[1:]
        return len(self._images), height, width

    def stored(self, samples: Sequence[int]) -> tuple[list[NDArray[np.float16]], NDArray[np.uint8]]:
        """Some slices as the cache has them: of each modality (N, H, W), and labels (N, H, W).

        Raises:
            DataError: a file of the cache has changed since it was opened.
        """
        wanted = np.asarray(samples)
        rows = zip(self._images, self._image_rows, strict=True)
        images = [array.file[own[wanted]] for array, own in rows]
        return images, self._labels.file[self._label_rows[wanted]]

    def stored_labels(self, samples: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """The labels of some slices as the cache has them, (N, H, W).

        Raises:
            DataError: a file of the cache has changed since it was opened.
        """
        return self._labels.file[self._label_rows[np.asarray(samples)]]

    def spacing(self, case: int) -> tuple[float, float, float]:
        """Distance between the voxels of a case, by its index, in mm along x, y and z."""
        x, y, z = self._labels.spacings[self.cases[case].id]
        return x, y, z

    def mirrored(self, items: Sequence[Item]) -> list[bool]:
        """Whether each of some (epoch, sample index) pairs is mirrored left to right."""
        if self._flip_seed is None:
            return [False] * len(items)
        return [_coin(self._flip_seed, *item) for item in items]

    def label_counts(self) -> NDArray[np.int64]:
        """Pixels of each label 0..3 over all samples."""
        counts = np.zeros(4, np.int64)
        for row in self._label_rows:
            counts += np.bincount(self._labels.file[row].ravel(), minlength=4)
        return counts

    def target_pixels(self, target: Sequence[int]) -> NDArray[np.int64]:
        """Pixels of the target labels in each sample."""
        wanted = np.isin(np.arange(4), target)
        pixels = [wanted[self._labels.file[row]].sum() for row in self._label_rows]
        return np.array(pixels, np.int64)

    def most_of(self, target: Sequence[int]) -> dict[int, int]:
        """For each case, by its index, the sample with most pixels of the target labels.

        The lowest slice where several have as many, the middle one where none has any.
        """
        pixels = self.target_pixels(target)
        most: dict[int, int] = {}
        for case in np.unique(self.case_index):
            samples = np.flatnonzero(self.case_index == case)
            found = pixels[samples]
            place = found.argmax() if found.any() else len(samples) // 2
            most[int(case)] = int(samples[place])
        return most

    def _rows(self, array: SliceArray, slices: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        rows = [
            array.rows(case.id, wanted) for case, wanted in zip(self.cases, slices, strict=True)
        ]
        return np.concatenate([np.empty(0, np.int64), *rows])


def _coin(seed: int, epoch: int, sample: int) -> bool:
    return bool(np.random.default_rng((seed, epoch, sample)).random() < 0.5)
