"""What decides which case is in which split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_modules.catalog.cases import Case
from data_modules.catalog.folds import FEWEST_FOLDS, fold_patients
from data_modules.catalog.splits import ALL_TEST, Split, SplitSizes, read_split, split_patients
from data_modules.utils.errors import DataError


@dataclass(frozen=True)
class SplitRule:
    """The options of a split.

    Args:
        sizes: See ``split_patients``.
        seed: Seed of the shuffling of the patients.
        file: A file for ``read_split``, which may name only patients.
        folds: Number of folds of a cross-validation; None for a split by sizes.
        fold: The fold that is tested, from 0.

    Raises:
        DataError: A value is impossible, or two options contradict each other.
    """

    sizes: SplitSizes = None
    seed: int = 0
    file: Path | None = None
    folds: int | None = None
    fold: int = 0

    def __post_init__(self) -> None:
        """Check the seed and the folds."""
        if self.seed < 0:
            raise DataError(f"data.split_seed is {self.seed}, expected 0 or more")
        if self.folds is None:
            if self.fold:
                raise DataError(
                    f"data.fold is {self.fold}, but data.folds is null: expected the number of "
                    "folds too (such as --data.folds 5), or --data.fold 0"
                )
            return
        if self.folds < FEWEST_FOLDS:
            raise DataError(
                f"data.folds is {self.folds}, expected {FEWEST_FOLDS} or more: to test, to choose "
                "the epoch and to train"
            )
        if not 0 <= self.fold < self.folds:
            raise DataError(
                f"data.fold is {self.fold}, expected 0 to {self.folds - 1}, as data.folds is "
                f"{self.folds}"
            )
        if self.sizes is not None:
            sizes = self.sizes if self.sizes == ALL_TEST else list(self.sizes)
            raise DataError(
                f"data.folds is {self.folds} and data.split_sizes is {sizes}: expected only one of "
                "them (--data.split_sizes null, or --data.folds null --data.fold 0)"
            )


def split_cases(rule: SplitRule, cases: Sequence[Case], known: Sequence[Case]) -> Split:
    """Assign cases as a file says or, without a file of splits, by folds or sizes.

    Args:
        rule: What decides.
        cases: Those that can be used.
        known: Those that the file may name.

    Raises:
        DataError: See ``read_split``, ``fold_patients`` and ``split_patients``; or the file and
            another option decide.
    """
    if rule.file is not None:
        split = read_split(rule.file, {case.id: case.patient for case in known})
        if split is not None:
            _check_alone(rule)
            return split
    patient_of = {case.id: case.patient for case in cases}
    if rule.folds is not None:
        return fold_patients(patient_of, rule.folds, rule.fold, rule.seed)
    return split_patients(patient_of, rule.sizes, rule.seed)


def _check_alone(rule: SplitRule) -> None:
    """Check that no option contradicts the splits in a file."""
    if rule.sizes == ALL_TEST:
        raise DataError(
            f"data.split_sizes is {ALL_TEST}, but data.split_file '{rule.file}' has a column side: "
            "expected only one of them (--data.split_file null)"
        )
    if rule.folds is not None:
        raise DataError(
            f"data.folds is {rule.folds}, but data.split_file '{rule.file}' has a column side: "
            "expected only one of them (--data.split_file null, or --data.folds null --data.fold "
            "0)"
        )
