import pytest

from data_modules.utils.words import counted, number_range


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 cases"), (1, "1 case"), (2, "2 cases"), (1251, "1,251 cases")]
)
def test_a_noun_agrees_with_its_number(number: int, words: str) -> None:
    assert counted(number, "case") == words


def test_a_range_of_equal_ends_is_one_number() -> None:
    assert number_range("6.45833", "6.45833") == "6.45833"
    assert number_range("1", "6.45833") == "1 to 6.45833"
