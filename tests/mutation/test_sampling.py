from collections import Counter

from tests.mutation.sampling import draw

ITEMS = [("big", kind, number) for kind in "ab" for number in range(50)] + [("small", "a", 0)]
STRATA = (lambda item: item[0], lambda item: item[1])


def test_each_stratum_has_an_equal_share_or_all_that_it_holds() -> None:
    counts = Counter(item[:2] for item in draw(ITEMS, 21, 0, STRATA))

    assert counts == {("big", "a"): 10, ("big", "b"): 10, ("small", "a"): 1}


def test_the_seed_decides_what_is_drawn() -> None:
    assert draw(ITEMS, 20, 1, STRATA) == draw(ITEMS, 20, 1, STRATA)
    assert draw(ITEMS, 20, 1, STRATA) != draw(ITEMS, 20, 2, STRATA)


def test_nothing_is_drawn_twice() -> None:
    assert sorted(draw(ITEMS, 1000, 0, STRATA)) == sorted(ITEMS)
