import itertools

import pytest

from data_modules.samplers import EpochBatches, GroupedBatches, OrderedBatches, ShardedBatches

SIZES = [1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 31, 32, 33, 39, 40, 41, 64, 71, 72, 100]


def indices(batches: list[list[int]]) -> list[int]:
    return [index for batch in batches for index in batch]


@pytest.mark.parametrize("batch_size", [1, 3, 8, 32])
@pytest.mark.parametrize("samples", SIZES)
def test_every_sample_comes_once_per_epoch_in_len_batches(samples: int, batch_size: int) -> None:
    for sampler in (EpochBatches(samples, batch_size, 0), OrderedBatches(samples, batch_size)):
        for _ in range(2):
            batches = list(sampler)
            assert sorted(indices(batches)) == list(range(samples))
            assert len(batches) == len(sampler)


@pytest.mark.parametrize(
    ("samples", "batch_size", "sizes"),
    [
        (64, 32, [32, 32]),
        (65, 32, [32, 33]),
        (71, 32, [32, 39]),
        (72, 32, [32, 32, 8]),
        (5, 32, [5]),  # no batch to merge with
        (33, 32, [33]),
        (10, 4, [4, 6]),
        (8, 4, [4, 4]),
        (3, 1, [1, 1, 1]),
        (1000, 32, [32] * 31 + [8]),  # the paper's
    ],
)
def test_a_last_batch_below_eight_is_merged_into_the_one_before(
    samples: int, batch_size: int, sizes: list[int]
) -> None:
    assert [len(batch) for batch in EpochBatches(samples, batch_size, 0)] == sizes


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    one, other = EpochBatches(40, 8, seed=5), EpochBatches(40, 8, seed=5)
    list(other)

    first, second = list(one), list(one)

    assert list(other) == second
    assert indices(first) != indices(second)
    assert indices(first) != indices(list(EpochBatches(40, 8, seed=6)))


def test_an_epoch_is_the_same_if_training_starts_there() -> None:
    uninterrupted = EpochBatches(40, 8, seed=5)
    epochs = [list(uninterrupted) for _ in range(4)]
    resumed = EpochBatches(40, 8, seed=5)
    resumed.epoch = 3

    assert list(resumed) == epochs[3]
    assert resumed.epoch == 4


def test_the_order_of_an_epoch_never_changes() -> None:
    # Recorded: runs of earlier versions resume with these orders.
    (batch, *_) = EpochBatches(40, 8, seed=5).batches(3)

    assert batch == [9, 4, 38, 22, 27, 30, 13, 8]


def test_an_abandoned_iteration_counts_as_an_epoch() -> None:
    sampler, whole = EpochBatches(40, 8, seed=5), EpochBatches(40, 8, seed=5)
    next(iter(sampler))
    list(whole)

    assert list(sampler) == list(whole)


def test_no_two_of_many_seeds_and_epochs_share_an_order() -> None:
    orders = set()
    for seed, epoch in itertools.product(range(10), range(10)):
        sampler = EpochBatches(30, 8, seed)
        sampler.epoch = epoch
        orders.add(tuple(indices(list(sampler))))

    assert len(orders) == 100


def test_every_position_gets_every_sample_equally_often() -> None:
    sampler = EpochBatches(4, 4, seed=0)
    first = [indices(list(sampler))[0] for _ in range(2000)]

    # 500 expected of each, standard deviation 19
    assert all(abs(first.count(sample) - 500) < 100 for sample in range(4))


def test_validation_goes_in_order() -> None:
    sampler = OrderedBatches(5, 2)

    for _ in range(2):
        assert list(sampler) == [[0, 1], [2, 3], [4]]


def test_no_samples_make_no_batches() -> None:
    for sampler in (EpochBatches(0, 8, 0), OrderedBatches(0, 8)):
        assert (list(sampler), len(sampler)) == ([], 0)


@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
@pytest.mark.parametrize("samples", [8, 9, 31, 33, 40, 71])
def test_ranks_share_every_batch_and_see_every_sample_once(samples: int, world_size: int) -> None:
    for make in (lambda: EpochBatches(samples, 24, 0), lambda: OrderedBatches(samples, 24)):
        shards = [list(ShardedBatches(make(), rank, world_size)) for rank in range(world_size)]
        for rank, shard in enumerate(shards):
            assert len(shard) == len(ShardedBatches(make(), rank, world_size))
        assert sorted(i for shard in shards for i in indices(shard)) == list(range(samples))
        whole = list(make())
        for position, batch in enumerate(whole):
            parts = [shard[position] for shard in shards if position < len(shard)]
            assert sorted(item for part in parts for item in part) == sorted(batch)
            assert max(map(len, parts)) - min(map(len, parts)) <= 1
    steps = {len(list(ShardedBatches(EpochBatches(samples, 24, 0), r, 8))) for r in range(8)}
    assert len(steps) == 1  # in training all take the same number of steps


def test_grouped_batches_have_samples_of_one_group_and_every_sample_once() -> None:
    groups = [0, 1, 0, 0, 1, 0, 2]

    batches = GroupedBatches(groups, 3)

    assert list(batches) == [[0, 2, 3], [5], [1, 4], [6]]
    assert (len(batches), batches.sizes()) == (4, [3, 1, 2, 1])
    assert list(GroupedBatches([0] * 7, 3)) == list(OrderedBatches(7, 3))
