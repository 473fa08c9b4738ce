import itertools

import pytest

from data_modules.samplers import EpochBatches, OrderedBatches, ShardedBatches

SIZES = [1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 31, 32, 33, 39, 40, 41, 64, 71, 72, 100]


def indices(batches: list[list[tuple[int, int]]]) -> list[int]:
    return [index for batch in batches for _, index in batch]


@pytest.mark.parametrize("batch_size", [1, 3, 8, 32])
@pytest.mark.parametrize("samples", SIZES)
def test_every_sample_comes_once_an_epoch_in_as_many_batches_as_was_said(
    samples: int, batch_size: int
) -> None:
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
        (5, 32, [5]),  # no batch to join
        (33, 32, [33]),
        (10, 4, [4, 6]),
        (8, 4, [4, 4]),
        (3, 1, [1, 1, 1]),
        (1000, 32, [32] * 31 + [8]),  # the paper's
    ],
)
def test_a_tail_of_fewer_than_eight_joins_the_batch_before(
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


def test_epoch_three_is_the_same_for_one_who_starts_there() -> None:
    through = EpochBatches(40, 8, seed=5)
    epochs = [list(through) for _ in range(4)]
    resumed = EpochBatches(40, 8, seed=5)
    resumed.epoch = 3

    assert list(resumed) == epochs[3]
    assert resumed.epoch == 4


def test_batches_say_which_epoch_they_are_of() -> None:
    sampler = EpochBatches(20, 8, seed=0)

    for epoch in range(3):
        assert {e for batch in sampler for e, _ in batch} == {epoch}


def test_an_epoch_broken_off_counts_as_one() -> None:
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


def test_samples_are_dealt_evenly_over_the_places() -> None:
    sampler = EpochBatches(4, 4, seed=0)
    first = [indices(list(sampler))[0] for _ in range(2000)]

    # 500 expected of each, standard deviation 19
    assert all(abs(first.count(sample) - 500) < 100 for sample in range(4))


def test_validation_goes_in_order() -> None:
    sampler = OrderedBatches(5, 2)

    for _ in range(2):
        assert list(sampler) == [[(0, 0), (0, 1)], [(0, 2), (0, 3)], [(0, 4)]]


def test_nothing_makes_no_batch() -> None:
    for sampler in (EpochBatches(0, 8, 0), OrderedBatches(0, 8)):
        assert (list(sampler), len(sampler)) == ([], 0)


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("samples", [8, 9, 31, 33, 40, 71])
def test_processes_share_every_batch_and_see_every_sample_once(
    samples: int, processes: int
) -> None:
    for make in (lambda: EpochBatches(samples, 24, 0), lambda: OrderedBatches(samples, 24)):
        shares = [list(ShardedBatches(make(), rank, processes)) for rank in range(processes)]
        for rank, share in enumerate(shares):
            assert len(share) == len(ShardedBatches(make(), rank, processes))
        assert sorted(i for share in shares for i in indices(share)) == list(range(samples))
        whole = list(make())
        for place, batch in enumerate(whole):
            dealt = [share[place] for share in shares if place < len(share)]
            assert sorted(item for part in dealt for item in part) == sorted(batch)
            assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    steps = {len(list(ShardedBatches(EpochBatches(samples, 24, 0), r, 8))) for r in range(8)}
    assert len(steps) == 1  # in training all take the same number of steps
