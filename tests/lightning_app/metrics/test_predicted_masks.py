import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lightning_app.metrics.predicted_masks import PackedMasks, PredictedMasks


def random_masks(samples: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(width)
    return torch.rand((samples, 2, 5, width), generator=generator) > 0.5


@pytest.mark.parametrize("width", [8, 13, 16, 240])
def test_masks_come_back_to_the_bit_in_any_order_of_batches(width: int) -> None:
    masks = random_masks(7, width)
    metric = PredictedMasks()
    for batch in ([4, 2], [6, 0, 1], [3], [5]):
        metric.update(masks[batch], torch.tensor(batch))
    packed = metric.compute()

    assert packed.samples.tolist() == list(range(7))
    assert np.array_equal(packed.unpack([1, 5], width), masks[[1, 5]].numpy())
    assert np.array_equal(packed.unpack(packed.samples, width), masks.numpy())


def test_bits_are_packed_as_numpy_packs_them() -> None:
    masks = random_masks(3, 13)
    metric = PredictedMasks()
    metric.update(masks, torch.tensor([2, 4, 9]))
    expected = PackedMasks(np.array([2, 4, 9]), np.packbits(masks.numpy(), axis=-1))

    assert np.array_equal(metric.packed[0].numpy(), np.packbits(masks.numpy(), axis=-1))
    assert np.array_equal(metric.compute().unpack([4, 9], 13), expected.unpack([4, 9], 13))


def test_a_sample_that_comes_twice_is_an_error() -> None:
    metric = PredictedMasks()
    metric.update(random_masks(2, 8), torch.tensor([0, 1]))
    metric.update(random_masks(1, 8), torch.tensor([1]))
    with pytest.raises(RuntimeError, match="twice"):
        metric.compute()


def test_a_reset_metric_keeps_nothing() -> None:
    metric = PredictedMasks()
    metric.update(random_masks(2, 8), torch.tensor([0, 1]))
    metric.reset()
    metric.update(random_masks(1, 8), torch.tensor([1]))
    assert metric.compute().samples.tolist() == [1]


def test_masks_that_torchmetrics_has_joined_across_devices_are_sorted_too() -> None:
    masks = random_masks(4, 13)
    metric = PredictedMasks()
    metric.update(masks[[2, 0, 3, 1]], torch.tensor([2, 0, 3, 1]))
    metric.samples, metric.packed = metric.samples[0], metric.packed[0]  # type: ignore[assignment]
    packed = metric.compute()

    assert np.array_equal(packed.unpack([0, 1, 2, 3], 13), masks.numpy())


class LargestTensor(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the number of elements of the largest tensor that an operation returns."""

    largest = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.largest = max(self.largest, result.numel())
        return result


def filled(order: Sequence[int]) -> PredictedMasks:
    metric = PredictedMasks()
    for start in range(0, len(order), 50):
        metric.update(random_masks(50, 240), torch.tensor(order[start : start + 50]))
    return metric


@pytest.mark.parametrize("order", [range(1000), range(999, -1, -1)])
def test_joining_needs_the_memory_of_the_masks_once_and_none_on_the_device(
    order: Sequence[int],
) -> None:
    metric = filled(order)
    size = sum(batch.numel() for batch in metric.packed)
    with LargestTensor() as made:  # type: ignore[no-untyped-call]
        filled(order).compute()  # also imports what torchmetrics needs, which is not to be measured
    tracemalloc.start()
    metric.compute()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert made.largest < size
    assert size <= peak < 1.2 * size
