"""The same slices as several networks see them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.scores import case_dice
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import ASPP, modality_name, network_name
from lightning_app.report.load.masks import Masks, read_masks

QUANTILES = {
    "lowest": 0.0, "lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75, "highest": 1.0
}  # fmt: skip


@dataclass(frozen=True)
class Gallery:
    """One slice a case of a modality, and what each network made of it.

    Attributes:
        modality: which.
        classes: of the masks.
        entries: the networks; the masks are those of the lowest seed.
        masks: of each network; all of the same cases and slices.
        notes: what is missing.
    """

    modality: str
    classes: tuple[str, ...]
    entries: Sequence[Entry]
    masks: Sequence[Masks]
    notes: Sequence[str]

    @property
    def cases(self) -> list[str]:
        """The cases."""
        return self.masks[0].cases

    def dice(self, network: int, case: int) -> NDArray[np.float64]:
        """Dice (classes,) of a network on the slice of a case; 1 where both masks are empty."""
        truth, predicted = self.masks[0].truth[case], self.masks[network].prediction[case]
        both = (truth & predicted).sum((1, 2), dtype=np.float64)
        size = truth.sum((1, 2), dtype=np.float64) + predicted.sum((1, 2))
        dice: NDArray[np.float64] = np.divide(
            2 * both, size, out=np.ones_like(both), where=size > 0
        )
        return dice

    @property
    def judge(self) -> Entry:
        """By whose Dice the figure's cases are chosen: ASPP, else the first network."""
        return next((entry for entry in self.entries if entry.network == ASPP), self.entries[0])

    def chosen(self) -> dict[int, str]:
        """The cases at the quartiles of the judge's Dice, the lowest first, with their place.

        Cases whose slice holds no target are left out, so long as any holds one.
        """
        table = self.judge.first.table.by_case()
        dice = dict(zip(table.cases, case_dice(table).mean(axis=1), strict=True))
        truth = self.masks[0].truth
        shown = [i for i in range(len(self.cases)) if truth[i].any()] or range(len(self.cases))
        ranked = sorted(shown, key=lambda i: (dice[self.cases[i]], self.cases[i]))
        chosen: dict[int, str] = {}
        for words, quantile in QUANTILES.items():
            chosen.setdefault(ranked[round(quantile * (len(ranked) - 1))], words)
        return chosen

    @property
    def rule(self) -> str:
        """How the cases of the figure are chosen, in words."""
        return (
            f"Cases at the lowest, the quartiles and the highest of the Dice of "
            f"{network_name(self.judge.network)} among those with target, of the run with seed "
            f"{self.judge.first.seed}."
        )


def gallery(cohort: Cohort, modality: str) -> Gallery | None:
    """The masks of a modality; None where no run of it has any that can be read."""
    entries: list[Entry] = []
    masks: list[Masks] = []
    notes: list[str] = []
    for entry in cohort.of(modality):
        try:
            found = read_masks(entry.first)
        except ValueError as error:
            notes.append(f"{network_name(entry.network)}, {entry.first.name}: {error}")
            continue
        if masks and not _same_slices(found, masks[0]):
            notes.append(f"{network_name(entry.network)}: its masks are of other slices")
            continue
        entries.append(entry)
        masks.append(found)
    if not masks:
        return None
    return Gallery(modality, cohort.classes, entries, masks, notes)


def title(found: Gallery) -> str:
    """Of its figure."""
    return f"{modality_name(found.modality)}: image, truth and the networks' masks"


def _same_slices(one: Masks, other: Masks) -> bool:
    same_truth = one.truth.shape == other.truth.shape and bool((one.truth == other.truth).all())
    return one.cases == other.cases and one.slices == other.slices and same_truth
