"""The slices of one side in the memory of a device, where its batches are gathered."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from data_modules.dataset import Batch, SliceDataset
from data_modules.samplers import Item
from data_modules.utils.errors import DataError
from data_modules.utils.out_of_memory import is_out_of_memory

COPIED_AT_ONCE = 256  # slices; bounds what the copying needs of the host's memory


class DeviceDataset(Dataset[Batch]):
    """The same batches as those of a SliceDataset, made on the device.

    All slices are copied there once, as float16 and uint8. A batch is then gathered, mirrored and
    made float32 on the device, and the host does not wait for it.

    Args:
        slices: the slices.
        device: where to.

    Raises:
        DataError: there is too little memory for them.
    """

    def __init__(self, slices: SliceDataset, device: torch.device) -> None:
        self._slices = slices
        self._device = device
        try:
            self._image, self._labels = _copied(slices, device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise DataError(
                f"data.on_device is true, but memory ran out while the {len(slices)} slices, "
                f"{_size(slices) / 2**30:.1f} GiB, were copied to {device}: set it to false, or "
                "choose fewer data.slices"
            ) from error

    def __len__(self) -> int:
        return len(self._slices)

    def __getitem__(self, item: Item) -> Batch:
        """A batch of one sample."""
        return self.__getitems__([item])

    def __getitems__(self, items: Sequence[Item]) -> Batch:
        """The batch of some (epoch, sample index) pairs, in their order, on the device."""
        samples = self._sent(torch.tensor([index for _, index in items]))
        image = self._image.index_select(0, samples)
        labels = self._labels.index_select(0, samples)
        mirrored = self._slices.mirrored(items)
        if any(mirrored):
            those = self._sent(torch.tensor(mirrored))
            image = torch.where(those[:, None, None, None], image.flip(-1), image)
            labels = torch.where(those[:, None, None], labels.flip(-1), labels)
        return {"image": image.float(), "labels": labels, "sample": samples}

    def _sent(self, values: Tensor) -> Tensor:
        """Values on the device; from pinned memory, so that the host need not wait for them."""
        if self._device.type == "cuda":
            return values.pin_memory().to(self._device, non_blocking=True)
        return values.to(self._device)


def _copied(slices: SliceDataset, device: torch.device) -> tuple[Tensor, Tensor]:
    """All images, float16 (N, modalities, H, W), and labels, uint8 (N, H, W)."""
    (modalities, height, width), samples = slices.shape, len(slices)
    image = torch.empty(samples, modalities, height, width, dtype=torch.float16, device=device)
    labels = torch.empty(samples, height, width, dtype=torch.uint8, device=device)
    for start in range(0, samples, COPIED_AT_ONCE):
        some = range(start, min(start + COPIED_AT_ONCE, samples))
        stored_images, stored_labels = slices.stored(some)
        for channel, one in enumerate(stored_images):
            image[some.start : some.stop, channel] = torch.from_numpy(one).to(device)
        labels[some.start : some.stop] = torch.from_numpy(stored_labels).to(device)
    return image, labels


def _size(slices: SliceDataset) -> int:
    """Bytes of images and labels."""
    modalities, height, width = slices.shape
    return len(slices) * height * width * (2 * modalities + 1)
