import pytest
import torch

from data_modules.dataset import Batch, SliceDataset
from data_modules.device_dataset import COPIED_AT_ONCE, DeviceDataset
from data_modules.utils.errors import DataError
from tests.data_modules.test_dataset import array, case, many

CPU = torch.device("cpu")


def assert_equal(one: Batch, other: Batch) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert values.dtype == other[name].dtype
        assert torch.equal(values, other[name]), name


@pytest.mark.parametrize("flip_seed", [None, 7])
def test_batches_are_those_of_the_set_to_the_bit(flip_seed: int | None) -> None:
    slices = many(flip_seed, COPIED_AT_ONCE + 44)
    resident = DeviceDataset(slices, CPU)
    assert len(resident) == len(slices)

    for epoch in range(3):
        items = [(epoch, sample) for sample in (299, 0, 255, 256, 17, 17)]
        assert_equal(resident.__getitems__(items), slices.__getitems__(items))


def test_modalities_and_slices_that_one_array_leaves_out() -> None:
    t1c, t2f = array({"a": [1, 2], "b": [0]}, 1), array({"a": [2, 3], "b": []}, 2)
    truth = array({"a": [3, 5], "b": [0, 1]}, 3, labels=True)
    slices = SliceDataset([case("a"), case("b")], [t1c, t2f], truth)

    assert_equal(
        DeviceDataset(slices, CPU).__getitems__([(0, sample) for sample in range(6)]),
        slices.__getitems__([(0, sample) for sample in range(6)]),
    )


def test_a_batch_is_a_copy() -> None:
    slices = many(None)
    resident = DeviceDataset(slices, CPU)
    batch = resident[0, 3]
    batch["image"].zero_()
    batch["labels"].zero_()

    assert_equal(resident[0, 3], slices[0, 3])


ON_A_GPU = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 TiB")
BROKEN = RuntimeError("CUDA error: unspecified launch failure")


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a function of torch or a method of its tensors raise an error."""

    def fail(*_: object, **__: object) -> torch.Tensor:
        raise error

    monkeypatch.setattr(torch if name == "empty" else torch.Tensor, name, fail)


@pytest.mark.parametrize("step", ["empty", "to"])
def test_what_does_not_fit_is_said_with_its_size(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(ON_A_GPU, monkeypatch, step)
    with pytest.raises(DataError, match=r"ran out .* the 40 slices, 0\.0 GiB, .* set it to false"):
        DeviceDataset(many(None), CPU)


def test_so_is_what_does_not_fit_into_the_memory_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = torch.empty
    # More than any machine has: torch's own error.
    monkeypatch.setattr(torch, "empty", lambda *_, **options: empty(2**58, **options))
    with pytest.raises(DataError, match="memory ran out"):
        DeviceDataset(many(None), CPU)


@pytest.mark.parametrize("step", ["empty", "to"])
def test_another_failure_of_the_device_keeps_its_words(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(BROKEN, monkeypatch, step)
    with pytest.raises(RuntimeError, match="launch failure"):
        DeviceDataset(many(None), CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_on_a_gpu_are_those_of_the_set_to_the_bit() -> None:
    slices = many(7)
    items = [(1, sample) for sample in range(40)]

    batch = DeviceDataset(slices, torch.device("cuda")).__getitems__(items)

    assert {values.device.type for values in batch.values()} == {"cuda"}
    assert_equal({name: values.cpu() for name, values in batch.items()}, slices.__getitems__(items))
