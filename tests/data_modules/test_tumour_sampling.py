"""Training batches with a fixed share of slices with tumour."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data_modules.samplers import EpochBatches, ShardedBatches
from data_modules.tumour_sampling import TumourBatches
from data_modules.utils.errors import DataError
from tests.helpers.brats_modules import module, ready

HAS_TUMOUR = np.arange(50) % 5 == 0  # 10 of 50


def batches_of(batch_size: int = 8, share: float = 0.33, seed: int = 5) -> TumourBatches:
    return TumourBatches(HAS_TUMOUR, share, batch_size, seed)


@pytest.mark.parametrize(
    ("batch_size", "share", "expected"),
    [
        (8, 0.33, [3] * 5 + [3]),  # the last batch has 10
        (8, 0.75, [6] * 5 + [8]),
        (32, 0.33, [11, 6]),  # the last batch has 18
        (32, 0.1, [3, 2]),
    ],
)
def test_every_batch_has_its_share_and_the_size_it_has_without_one(
    batch_size: int, share: float, expected: list[int]
) -> None:
    batches = batches_of(batch_size, share).batches(0)

    assert [int(HAS_TUMOUR[batch].sum()) for batch in batches] == expected
    assert [len(batch) for batch in batches] == EpochBatches(50, batch_size, 5).sizes()


def test_no_sample_comes_again_before_all_of_its_kind_have_come() -> None:
    counts = Counter(index for batch in batches_of(8, 0.5).batches(3) for index in batch)

    with_tumour = [counts[index] for index in np.flatnonzero(HAS_TUMOUR).tolist()]
    without = [counts[index] for index in np.flatnonzero(~HAS_TUMOUR).tolist()]
    assert set(with_tumour) == {2, 3}  # 25 draws from 10
    assert set(without) == {0, 1}  # 25 draws from 40


def test_an_epoch_is_a_function_of_seed_and_number_and_is_resumed_in_its_middle() -> None:
    uninterrupted = batches_of()
    epochs = [list(uninterrupted) for _ in range(3)]
    resumed = TumourBatches(HAS_TUMOUR, 0.33, 8, seed=5, epoch=2, skip=4)

    assert list(resumed) == epochs[2][4:]
    assert epochs[0] != epochs[1]
    assert batches_of(seed=6).batches(0) != epochs[0]


def test_the_order_of_an_epoch_never_changes() -> None:
    # Recorded: runs resume with these orders.
    assert batches_of().batches(3)[0] == [10, 45, 20, 29, 21, 11, 41, 36]


def test_two_devices_get_what_one_gets_and_both_kinds() -> None:
    shards = [list(ShardedBatches(batches_of(16), rank, 2)) for rank in (0, 1)]

    for whole, one, other in zip(batches_of(16).batches(0), *shards, strict=True):
        assert sorted([*one, *other]) == sorted(whole)
    kinds = [HAS_TUMOUR[batch].any() for shard in shards for batch in shard]
    assert np.mean(kinds) > 0.5


def test_the_batches_of_the_data_have_the_share(data: Path, cache: Path) -> None:
    options = {"slices": "all", "split_sizes": [4, 1, 1], "batch_size": 8}  # 3 of 4 have tumour
    one = ready(data, cache, tumour_share=0.5, **options)

    batches = list(one.train_dataloader())
    assert [int(batch["labels"].flatten(1).any(dim=1).sum()) for batch in batches] == [4, 4]
    assert len(batches) == len(list(ready(data, cache, **options).train_dataloader()))


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.2, math.nan, 0.01, 0.99])
def test_a_share_that_leaves_no_slice_of_a_kind_is_refused(
    share: float, data: Path, cache: Path
) -> None:
    with pytest.raises(DataError, match=rf"data.tumour_share is {share}, expected .*batch_size 8"):
        module(data, cache, tumour_share=share, batch_size=8)


def test_a_share_that_the_only_batch_cannot_have_is_refused(data: Path, cache: Path) -> None:
    options = {"slices": "all", "split_sizes": [1, 4, 1], "batch_size": 32}
    one = module(data, cache, tumour_share=0.1, **options)  # of 4 slices, none
    one.prepare_data()

    with pytest.raises(DataError, match=r"share is 0.1, expected .* in a batch of all 4 slices"):
        one.setup("fit")


@pytest.mark.parametrize(("slices", "kind"), [([1], "without"), ([0], "with")])
def test_slices_of_one_kind_have_no_share(
    slices: list[int], kind: str, data: Path, cache: Path
) -> None:
    one = module(data, cache, tumour_share=0.33, slices=slices, eval_slices=[1], batch_size=8)
    one.prepare_data()

    message = rf"none of the 4 slices of the training split is {kind} target 'whole'"
    with pytest.raises(DataError, match=message):
        one.setup("fit")
    one.setup("test")  # needs no share
