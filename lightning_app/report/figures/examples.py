"""The same slices with the masks of several networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.case_masks import pixel_counts
from lightning_app.metrics.count_table import Counts, CountTable
from lightning_app.metrics.evaluate import case_dice
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name
from lightning_app.report.load.paper_grid import nearest_to_paper
from lightning_app.report.load.paper_values import PROPOSED_NETWORK
from lightning_app.results.example_slices import ExampleSlices, joined, read_example_slices
from lightning_app.results.lesion_record import RecordedLesion, read_lesions
from lightning_app.utils.text import printable

QUANTILES = {
    "lowest": 0.0, "lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75, "highest": 1.0
}  # fmt: skip


@dataclass(frozen=True)
class Gallery:
    """One slice of each case of a modality, with the masks of each network.

    Attributes:
        modality: of the images.
        classes: of the masks.
        entries: the networks; the masks are those of the lowest seed.
        masks: the masks of each network, all of the same cases and slices.
        lesions: the lesions of each network's test; none if cases are single slices.
        notes: what is missing.
    """

    modality: str
    classes: tuple[str, ...]
    entries: Sequence[Entry]
    masks: Sequence[ExampleSlices]
    lesions: Sequence[Sequence[RecordedLesion]]
    notes: Sequence[str]

    @property
    def cases(self) -> list[str]:
        """The cases."""
        return self.masks[0].cases

    def dice(self, network: int, case: int) -> NDArray[np.float64]:
        """Dice (classes,) of a network on the slice of a case; 1 if both masks are empty."""
        reference, prediction = self.masks[0].reference[case], self.masks[network].prediction[case]
        return Counts.from_array(pixel_counts(prediction, reference)).dice(empty=1)

    @property
    def reference_entry(self) -> Entry:
        """The network whose Dice decides which cases the figure shows.

        The paper's network, or the first one if the paper's was not tested.
        """
        proposed = [entry for entry in self.entries if entry.network == PROPOSED_NETWORK]
        return next(iter(nearest_to_paper(proposed)), self.entries[0])

    def chosen(self) -> dict[int, str]:
        """The cases at the quartiles of the reference network's Dice, from the lowest, by rank."""
        chosen: dict[int, str] = {}
        for rank, quantile in QUANTILES.items():
            chosen.setdefault(self._at(quantile), rank)
        return chosen

    @property
    def median(self) -> int:
        """The case with the median of the reference network's Dice."""
        return self._at(QUANTILES["median"])

    def _at(self, quantile: float) -> int:
        return self._ranked[round(quantile * (len(self._ranked) - 1))]

    @cached_property
    def _ranked(self) -> list[int]:
        """The cases by the reference network's Dice, the lowest first.

        Cases whose slice has no target are left out, unless no slice has any.
        """
        table = self.reference_entry.first.table.by_case()
        dice = dict(zip(table.cases, case_dice(table).mean(axis=1), strict=True))
        reference = self.masks[0].reference
        cases = range(len(self.cases))
        shown = [case for case in cases if reference[case].any()] or cases
        return sorted(shown, key=lambda i: (dice[self.cases[i]], self.cases[i]))

    @property
    def rule(self) -> str:
        """How the cases of the figure are chosen."""
        entry = self.reference_entry
        runs = "runs" if entry.first.folds else "run"
        return (
            "Cases with target at the lowest, the quartiles and the highest of the Dice of "
            f"{entry.name} in the {runs} with seed {entry.first.seed}."
        )


def gallery(cohort: Cohort, modality: str) -> Gallery | None:
    """The masks of a modality; None if none of its runs has readable masks."""
    entries: list[Entry] = []
    masks: list[ExampleSlices] = []
    lesions: list[Sequence[RecordedLesion]] = []
    notes: list[str] = []
    for entry in cohort.of(modality):
        try:
            folders = [training.folder for training in entry.first.trainings]
            slices = joined([read_example_slices(folder) for folder in folders])
            of_test = list(chain.from_iterable(map(read_lesions, folders)))
        except ValueError as error:
            notes.append(f"{entry.name}, {entry.first.name}: {printable(str(error))}")
            continue
        if not _fits(slices, entry.first.table):
            notes.append(f"{entry.name}: its masks are not of the tested cases")
            continue
        if masks and not _same_slices(slices, masks[0]):
            notes.append(f"{entry.name}: its masks show other slices")
            continue
        entries.append(entry)
        masks.append(slices)
        lesions.append(of_test)
    if not masks:
        return None
    return Gallery(modality, cohort.classes, entries, masks, lesions, notes)


def title(gallery: Gallery) -> str:
    """The title of its figure."""
    return f"{modality_name(gallery.modality)}: image, ground truth and the networks' masks"


def _fits(slices: ExampleSlices, table: CountTable) -> bool:
    """Whether masks are of cases and classes that were tested."""
    return (
        set(slices.cases) <= set(table.cases)
        and len(set(slices.cases)) == len(slices.cases)
        and slices.reference.shape[1] == len(table.classes)
    )


def _same_slices(first: ExampleSlices, second: ExampleSlices) -> bool:
    return (
        first.cases == second.cases
        and np.array_equal(first.slices, second.slices)
        and np.array_equal(first.reference, second.reference)
    )
