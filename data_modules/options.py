"""Values of the data's options that no type rules out. Each raises DataError, naming the option."""

from collections.abc import Sequence

from data_modules.cache.slice_selection import SliceChoice
from data_modules.utils.errors import DataError


def check_modalities(modalities: Sequence[str]) -> None:
    """At least one, and none twice."""
    if not modalities:
        raise DataError("data.modalities is empty, expected at least one modality")
    if len(set(modalities)) < len(modalities):
        raise DataError(f"data.modalities is {list(modalities)}, which names one twice")


def check_sizes(image_size: tuple[int, int]) -> None:
    """A height and a width."""
    if min(image_size) < 1:
        raise DataError(f"data.image_size is {list(image_size)}, expected 1 or more a side")


def check_least(least: int, **numbers: int) -> None:
    """Numbers, given by the names of their options, that may not be smaller."""
    for name, number in numbers.items():
        if number < least:
            raise DataError(f"data.{name} is {number}, expected {least} or more")


def check_indices(**choices: SliceChoice | None) -> None:
    """Choices of slices, given by the names of their options, that may be lists of indices."""
    for name, choice in choices.items():
        if isinstance(choice, list) and (not choice or min(choice) < 0):
            raise DataError(f"data.{name} is {choice}, expected one or more indices from 0 up")
