"""Cross-validation: every patient is tested once, by a network that was not trained on them."""

from collections.abc import Mapping

import numpy as np

from data_modules.catalog.splits import Split
from data_modules.utils.errors import DataError

FEWEST_FOLDS = 3  # one each for training, validation and test


def fold_patients(patient_of: Mapping[str, str], folds: int, fold: int, seed: int) -> Split:
    """Assign cases to train, val and test for one fold; a patient's cases stay together.

    Shuffled patients are dealt to the folds in turn. The cases of fold ``fold`` are tested and
    those of the next fold validate, so that no epoch is chosen on patients who are scored.
    The folds depend on the ids, ``folds`` and the seed alone.

    Args:
        patient_of: The patient of each case.
        folds: Their number.
        fold: The one that is tested, from 0.
        seed: Seed of the shuffling of the patients.

    Raises:
        DataError: There are too few folds or patients, or no fold has that number.
    """
    if folds < FEWEST_FOLDS:
        raise DataError(f"data.folds is {folds}, expected {FEWEST_FOLDS} or more")
    if not 0 <= fold < folds:
        raise DataError(f"data.fold is {fold}, expected 0 to {folds - 1}: data.folds is {folds}")
    patients = sorted(set(patient_of.values()))
    if len(patients) < folds:
        raise DataError(f"data.folds is {folds}, but there are only {len(patients)} patients")
    shuffled = np.random.default_rng(seed).permutation(len(patients))
    fold_of = {patients[index]: place % folds for place, index in enumerate(shuffled.tolist())}
    split_of = {fold: "test", (fold + 1) % folds: "val"}
    split: Split = {"train": [], "val": [], "test": []}
    for case, patient in sorted(patient_of.items()):
        split[split_of.get(fold_of[patient], "train")].append(case)
    return split
