"""Values of the data options that their types do not rule out. Errors name the option."""

from collections.abc import Sequence
from typing import get_args

from data_modules.augmentation.presets import PRESETS
from data_modules.cache.slice_selection import Rule, SliceChoice
from data_modules.targets import TARGETS
from data_modules.utils.errors import DataError
from data_modules.utils.process_pool import cores

LARGEST_SIDE = 4096  # a BraTS slice has 240; activations of one this large already take gigabytes
_WORDS: dict[str, list[str]] = {
    "target": [*TARGETS],
    "augmentation": [*PRESETS],
    "on_bad_case": ["stop", "skip"],
}
WORKERS_PER_CORE = 8  # more would only wait for one another


def check_modalities(modalities: Sequence[str]) -> None:
    """Raise DataError unless there is at least one modality, and none twice."""
    if isinstance(modalities, str):
        raise DataError(f"data.modalities is '{modalities}', expected a list: ['{modalities}']")
    if not modalities:
        raise DataError("data.modalities is empty, expected at least one modality")
    if len(set(modalities)) < len(modalities):
        raise DataError(f"data.modalities is {list(modalities)}, which repeats a modality")


def check_words(**choices: str) -> None:
    """Raise DataError if a choice, given by the name of its option, is not one of its words."""
    for name, choice in choices.items():
        if choice not in _WORDS[name]:
            raise DataError(f"data.{name} is '{choice}', expected {', '.join(_WORDS[name])}")


def check_image_size(image_size: tuple[int, int]) -> None:
    """Raise DataError unless height and width are positive, and a slice fits into memory."""
    if min(image_size) < 1 or max(image_size) > LARGEST_SIDE:
        raise DataError(
            f"data.image_size is {list(image_size)}, expected height and width of 1 or more, and "
            f"at most {LARGEST_SIDE}"
        )


def most_workers() -> int:
    """How many processes this machine can have to load batches."""
    return WORKERS_PER_CORE * cores()


def check_workers(num_workers: int) -> None:
    """Raise DataError if there are too few or too many worker processes."""
    if not 0 <= num_workers <= most_workers():
        raise DataError(
            f"data.num_workers is {num_workers}, expected 0 or more, and at most {most_workers()} "
            f"on {_usable_cores()}"
        )


def worker_remarks(num_workers: int) -> list[str]:
    """A line about worker processes that share cores, if there are any."""
    if num_workers <= cores():
        return []
    share = f"data.num_workers is {num_workers} on {_usable_cores()}"
    return [f"{share}: this may slow the training down; lower it to {cores()} or less"]


def _usable_cores() -> str:
    usable = cores()
    return f"the {usable} {'core' if usable == 1 else 'cores'} that this process may use"


def check_at_least(minimum: int, **numbers: int) -> None:
    """Raise DataError if a number, given by the name of its option, is below a minimum."""
    for name, number in numbers.items():
        if number < minimum:
            raise DataError(f"data.{name} is {number}, expected {minimum} or more")


def check_slices(**choices: SliceChoice | None) -> None:
    """Raise DataError if a choice, given by the name of its option, is no rule or bad indices."""
    for name, choice in choices.items():
        if isinstance(choice, str) and choice not in get_args(Rule):
            raise DataError(
                f"data.{name} is '{choice}', expected {', '.join(get_args(Rule))} or indices"
            )
        if isinstance(choice, list) and (not choice or min(choice) < 0):
            raise DataError(
                f"data.{name} is {choice}, expected at least one index, and none below 0"
            )
