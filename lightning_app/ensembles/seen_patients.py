"""On which patients a run cannot be tested fairly. Imports no torch."""

from collections.abc import Iterable
from dataclasses import dataclass

from data_modules.catalog.source import Source
from lightning_app.runs.compatibility import source_of_training
from lightning_app.runs.folder import Run
from lightning_app.runs.records import read_split


@dataclass(frozen=True)
class SeenPatients:
    """The patients on which a run was trained or its best epoch chosen.

    Attributes:
        ids: of the patients.
        source: where they come from.
    """

    ids: set[str]
    source: Source

    def among(self, patients: Iterable[str], source: Source) -> set[str]:
        """Those among the patients of a source, in which an id may mean another patient."""
        return (
            self.ids.intersection(patients) if self.source.shares_patients_with(source) else set()
        )


def seen_patients(run: Run) -> SeenPatients:
    """The patients that a run has seen.

    Raises:
        RecordError, FileNotFoundError: split.csv, environment.json or config.yaml cannot be read.
    """
    ids = {patient for _, patient, split in read_split(run.split) if split != "test"}
    return SeenPatients(ids, source_of_training(run))


def tested_patients(run: Run) -> set[str]:
    """The patients of a run's test split. Raises as ``seen_patients`` does."""
    return {patient for _, patient, split in read_split(run.split) if split == "test"}
