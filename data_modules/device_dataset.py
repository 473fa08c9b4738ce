"""The slices of one split in the memory of a device, where batches are gathered."""

from collections.abc import Sequence

import torch
from torch import Tensor

from data_modules.batch_dataset import Batch, BatchDataset
from data_modules.dataset import SliceDataset
from data_modules.utils.errors import DataError
from data_modules.utils.out_of_memory import is_out_of_memory
from data_modules.utils.words import counted
from data_modules.window import Window

COPY_CHUNK = 256  # slices; bounds the host memory that the copy needs


class DeviceDataset(BatchDataset):
    """The samples of a SliceDataset, kept on a device.

    All slices are copied there once, as float16 and uint8. Batches are gathered and converted to
    float32 on the device, and the host does not wait for them. ``sample`` stays on the host, pinned
    for a GPU, so that reading it never waits for the device either.

    Args:
        slices: The slices to copy.
        device: The device.

    Raises:
        DataError: The device or the host has too little memory.
    """

    def __init__(self, slices: SliceDataset, device: torch.device) -> None:
        self._device = device
        self._windows_of = slices.windows_of
        try:
            self._image, self._labels = _copy(slices, device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise DataError(
                "data.on_device is true, but memory ran out while copying "
                f"{counted(len(slices), 'slice')} ({_size(slices) / 2**30:.1f} GiB) to {device}: "
                "set it to false, or choose fewer data.slices"
            ) from error

    def __len__(self) -> int:
        return len(self._labels)

    def gather(self, indices: Sequence[int]) -> Batch:
        """Gather the batch of some samples on the device, in the order given, cut to windows."""
        samples = torch.tensor(indices, dtype=torch.int64)
        if self._device.type == "cuda":
            samples = samples.pin_memory()
            rows = samples.to(self._device, non_blocking=True)
        else:
            rows = samples.to(self._device)
        image, labels = self._image.index_select(0, rows), self._labels.index_select(0, rows)
        if windows := self._windows_of(indices):
            image, labels = _cut(image, windows), _cut(labels, windows)
        return {"image": image.float(), "labels": labels, "sample": samples}


def _cut(slices: Tensor, windows: Sequence[Window]) -> Tensor:
    """The window of each slice, (N, ..., height, width), of whole slices (N, ..., H, W)."""
    return torch.stack(
        [whole[..., *window.pixels] for whole, window in zip(slices, windows, strict=True)]
    )


def _copy(slices: SliceDataset, device: torch.device) -> tuple[Tensor, Tensor]:
    """Copy all images, float16 (N, modalities, H, W), and labels, uint8 (N, H, W)."""
    (modalities, height, width), samples = slices.shape, len(slices)
    image = torch.empty(samples, modalities, height, width, dtype=torch.float16, device=device)
    labels = torch.empty(samples, height, width, dtype=torch.uint8, device=device)
    for start in range(0, samples, COPY_CHUNK):
        chunk = range(start, min(start + COPY_CHUNK, samples))
        stored_images, stored_labels = slices.stored(chunk)
        for channel, stored in enumerate(stored_images):
            image[chunk.start : chunk.stop, channel] = torch.from_numpy(stored).to(device)
        labels[chunk.start : chunk.stop] = torch.from_numpy(stored_labels).to(device)
    return image, labels


def _size(slices: SliceDataset) -> int:
    """Bytes of all images and labels."""
    modalities, height, width = slices.shape
    return len(slices) * height * width * (2 * modalities + 1)
