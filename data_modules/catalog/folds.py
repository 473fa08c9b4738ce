"""Which case is in which split of a cross-validation, by patient."""

from collections.abc import Mapping

import numpy as np

from data_modules.catalog.splits import Split
from data_modules.utils.errors import DataError

FEWEST_FOLDS = 3  # one to test, one to choose the epoch, one to train


def fold_patients(patient_of: Mapping[str, str], folds: int, fold: int, seed: int) -> Split:
    """Assign the cases of one fold to test, of the next to val, and of the others to train.

    The patients are shuffled and dealt to the folds in turn, with all of their cases, so that the
    folds differ by one patient at most. Over the values of ``fold``, each case is tested once, and
    no epoch is chosen by a case that is tested. The folds depend on the ids and the seed alone, not
    on the order of the mapping: a case more or less, such as one that is skipped because a file of
    it is missing, deals all patients again.

    Args:
        patient_of: The patient of each case.
        folds: Number of folds.
        fold: The one that is tested, from 0.
        seed: Seed of the shuffling of the patients.

    Returns:
        Sorted case ids of each split.

    Raises:
        DataError: There are fewer patients than folds.
    """
    patients = sorted(set(patient_of.values()))
    if len(patients) < folds:
        raise DataError(
            f"data.folds is {folds}, expected at most the number of patients, {len(patients)}"
        )
    order = np.random.default_rng(seed).permutation(len(patients))
    fold_of = {patients[index]: place % folds for place, index in enumerate(order)}
    special = {fold: "test", (fold + 1) % folds: "val"}
    split: Split = {"train": [], "val": [], "test": []}
    for case, patient in sorted(patient_of.items()):
        split[special.get(fold_of[patient], "train")].append(case)
    return split
