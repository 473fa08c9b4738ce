"""On which patients a run cannot be tested fairly. Imports no torch."""

from lightning_app.runs.folder import Run
from lightning_app.runs.records import read_split


def seen_patients(run: Run) -> set[str]:
    """The patients on which a run was trained or its best epoch chosen.

    Raises:
        RecordError, FileNotFoundError: the run's split.csv cannot be read.
    """
    return {patient for _, patient, split in read_split(run.split) if split != "test"}


def tested_patients(run: Run) -> set[str]:
    """The patients of a run's test split. Raises as ``seen_patients`` does."""
    return {patient for _, patient, split in read_split(run.split) if split == "test"}
