import pytest
import torch
from torch.utils.data import DataLoader

from data_modules.dataset import SliceDataset
from data_modules.device_dataset import COPY_CHUNK, DeviceDataset
from data_modules.utils.errors import DataError
from tests.data_modules.test_dataset import array, assert_same_batch, case, many

CPU = torch.device("cpu")


def test_batches_equal_those_from_the_cache() -> None:
    slices = many(COPY_CHUNK + 44)
    on_device = DeviceDataset(slices, CPU)
    assert len(on_device) == len(slices)

    indices = [299, 0, 255, 256, 17, 17]
    assert_same_batch(on_device.gather(indices), slices.gather(indices))


def test_samples_equal_those_from_the_cache() -> None:
    slices = many()
    on_device = DeviceDataset(slices, CPU)

    assert_same_batch(on_device[-1], slices[-1])
    assert_same_batch(next(iter(DataLoader(on_device, batch_size=2))), slices.gather([0, 1]))
    with pytest.raises(IndexError):
        on_device[40]


def test_slices_that_one_array_omits_are_blank() -> None:
    t1c, t2f = array({"a": [1, 2], "b": [0]}, 1), array({"a": [2, 3], "b": []}, 2)
    labels = array({"a": [3, 5], "b": [0, 1]}, 3, labels=True)
    slices = SliceDataset([case("a"), case("b")], [t1c, t2f], labels)

    assert_same_batch(DeviceDataset(slices, CPU).gather(range(6)), slices.gather(range(6)))


def test_a_batch_is_a_copy() -> None:
    slices = many()
    on_device = DeviceDataset(slices, CPU)
    batch = on_device.gather([3])
    batch["image"].zero_()
    batch["labels"].zero_()

    assert_same_batch(on_device.gather([3]), slices.gather([3]))


OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 TiB")
BROKEN = RuntimeError("CUDA error: unspecified launch failure")


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a function of torch or a method of its tensors raise an error."""

    def fail(*_: object, **__: object) -> torch.Tensor:
        raise error

    monkeypatch.setattr(torch if name == "empty" else torch.Tensor, name, fail)


@pytest.mark.parametrize("step", ["empty", "to"])
def test_slices_that_do_not_fit_are_an_error_with_their_size(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(OUT_OF_MEMORY, monkeypatch, step)
    with pytest.raises(DataError, match=r"ran out .* 40 slices \(0\.0 GiB\) .* set it to false"):
        DeviceDataset(many(), CPU)


def test_slices_that_do_not_fit_into_host_memory_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = torch.empty
    # More than any machine has: torch's own error.
    monkeypatch.setattr(torch, "empty", lambda *_, **options: empty(2**58, **options))
    with pytest.raises(DataError, match="memory ran out"):
        DeviceDataset(many(), CPU)


@pytest.mark.parametrize("step", ["empty", "to"])
def test_another_failure_of_the_device_is_not_reworded(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(BROKEN, monkeypatch, step)
    with pytest.raises(RuntimeError, match="launch failure"):
        DeviceDataset(many(), CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_on_a_gpu_equal_those_from_the_cache() -> None:
    slices = many()

    batch = DeviceDataset(slices, torch.device("cuda")).gather(range(40))

    assert {name: values.device.type for name, values in batch.items()} == {
        "image": "cuda", "labels": "cuda", "sample": "cpu",
    }  # fmt: skip
    assert batch["sample"].is_pinned()
    assert_same_batch(
        {name: values.cpu() for name, values in batch.items()}, slices.gather(range(40))
    )
