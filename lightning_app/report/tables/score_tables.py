"""The tables of what a cohort scores."""

import numpy as np

from lightning_app.metrics.bootstrap import FEWEST_PATIENTS
from lightning_app.metrics.scores import SCORES
from lightning_app.report.load import paper_values as paper
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name, network_name
from lightning_app.report.load.paper_grid import grid
from lightning_app.report.tables.caveats import on_computation
from lightning_app.report.tables.estimates import (
    dice_by_case,
    pixels_by_case,
    score_measure,
)
from lightning_app.report.tables.significance import ALPHA, Comparison, compare
from lightning_app.report.tables.table import Cell, Column, Table, fixed, p_value

_WHAT = (Column("modality", "Modality"), Column("target", "Target"))
_WHO = (*_WHAT, Column("network", "Network"), Column("seeds", "Seeds", fixed(0)))
_PAPERS_TARGET = "whole"  # the paper does not say; its figures fit no smaller one
_SIZES = ("small", "medium", "large")
_ON_TABLE_1 = (
    "DSC is the pooled Dice of all pixels of the test side (dice), mIoU the mean over the slices "
    "that hold the class in truth or prediction (miou): each network is averaged over its own "
    "slices, so networks are not compared by mIoU. Predicting nothing at all has the accuracy in "
    "the rows that say so."
)
_ON_COMPARISONS = (
    "Paired over the same patients of the same data; two scans of one patient are averaged first. "
    "Wilcoxon's signed-rank test is on dice_case, two-sided, Holm-corrected over the pairs of a "
    "modality and target. The interval is the 95 % bootstrap over patients of the difference of "
    "pooled dice."
)
_ON_BETTER = (
    f"A network is called better only where the corrected p is below {ALPHA} and the interval "
    "excludes 0, both in its favour."
)
_ON_SIZE = (
    "Mean Dice (over seeds too) of the cases whose truth is not empty, by thirds of their true "
    "size; and the rank correlation of Dice with size."
)


def table_1(cohort: Cohort) -> Table:
    """DSC, mIoU and accuracy, the paper's beside ours."""
    names = (("dsc", "DSC", "dice"), ("miou", "mIoU", "miou"), ("accuracy", "Acc", "accuracy"))
    columns = [*_WHO]
    for key, title, _ in names:
        columns += [Column(key, f"{title} (%)"), Column(f"{key}_paper", f"{title}, paper")]
    rows: list[list[Cell]] = []
    for modality in cohort.modalities:
        for index, target in enumerate(cohort.classes):
            for _, network, entry in (row for row in grid(cohort) if row[0] == modality):
                row = _who(modality, target, network, entry)
                for key, _, score in names:
                    row += [score_measure(entry, index, score).times(100) if entry else None]
                    row += [_printed(network, modality, target, key)]
                rows.append(row)
            nothing = cohort.of(modality)[0].first.accuracy_of_nothing[target]
            who: list[Cell] = [modality_name(modality), target, "(predicting nothing)", None]
            rows.append([*who, *[None] * 4, 100 * nothing, None])
    notes = [_ON_TABLE_1, *_how_written(cohort)]
    return Table("table1", "Table 1: scores on the test side", columns, rows, notes)


def all_scores(cohort: Cohort) -> Table:
    """Every score of the design."""
    columns = [*_WHO, *(Column(score.name, score.name, fixed(4)) for score in SCORES)]
    rows = [
        [
            *_who(entry.modality, target, entry.network, entry),
            *(score_measure(entry, index, score.name) for score in SCORES),
        ]
        for modality in cohort.modalities
        for index, target in enumerate(cohort.classes)
        for entry in cohort.of(modality)
    ]
    return Table("scores", "All scores", columns, rows, _how_written(cohort))


def comparison_table(cohort: Cohort) -> Table:
    """Every pair of networks on the same patients."""
    columns = [
        *_WHAT, Column("first", "A"), Column("second", "B"),
        Column("patients", "Patients", fixed(0)),
        Column("dice_case_difference", "dice_case, A - B", fixed(4)),
        Column("p", "Wilcoxon p", p_value), Column("holm_p", "p, Holm", p_value),
        Column("dice_difference", "dice, A - B", fixed(4)), Column("verdict", "Verdict"),
    ]  # fmt: skip
    compared = [
        comparison
        for modality in cohort.modalities
        for index in range(len(cohort.classes))
        for comparison in compare(cohort, modality, index)
    ]
    rows = [_compared(comparison, cohort) for comparison in compared]
    notes = [_ON_COMPARISONS, _ON_BETTER, *on_computation(cohort), *_on_seeds(cohort)]
    if any(comparison.p is None for comparison in compared):
        notes.append(f"No tests: they need at least {FEWEST_PATIENTS} patients.")
    return Table("comparisons", "Paired comparisons of networks", columns, rows, notes)


def size_table(cohort: Cohort) -> Table:
    """Dice of small, medium and large tumours."""
    columns = [
        *_WHO, Column("cases", "Cases", fixed(0)), Column("thirds", "Thirds (pixels)"),
        *(Column(f"dice_{size}", size.capitalize(), fixed(4)) for size in _SIZES),
        Column("spearman", "Spearman's rho", fixed(2)),
    ]  # fmt: skip
    rows = [
        _by_size(entry, index)
        for modality in cohort.modalities
        for index in range(len(cohort.classes))
        for entry in cohort.of(modality)
    ]
    return Table(
        "tumour_size",
        "Score against tumour size",
        columns,
        rows,
        [_ON_SIZE, *on_computation(cohort)],
    )


def _by_size(entry: Entry, index: int) -> list[Cell]:
    from scipy import stats

    target = entry.first.table.classes[index]
    pixels, dice = pixels_by_case(entry, index), dice_by_case(entry, index)
    pixels, dice = pixels[pixels > 0], dice[pixels > 0]
    row = [*_who(entry.modality, target, entry.network, entry), len(pixels)]
    if len(pixels) < len(_SIZES):
        return [*row, None, None, None, None, None]
    thirds = np.array_split(np.argsort(pixels, kind="stable"), len(_SIZES))
    ends = [f"{pixels[third[0]]:,} to {pixels[third[-1]]:,}" for third in thirds]
    spread = len(set(pixels.tolist())) > 1 and len(set(dice.tolist())) > 1
    rho = float(stats.spearmanr(pixels, dice).statistic) if spread else None
    return [*row, "; ".join(ends), *(float(dice[third].mean()) for third in thirds), rho]


def _compared(comparison: Comparison, cohort: Cohort) -> list[Cell]:
    first, second = comparison.first, comparison.second
    if comparison.better is not None:
        verdict = f"{network_name(comparison.better.network)} is better"
    elif comparison.p is None:
        verdict = "not tested"
    else:
        verdict = "no difference shown"
    return [
        modality_name(first.modality), cohort.classes[comparison.index],
        network_name(first.network), network_name(second.network), comparison.patients,
        comparison.case_difference, comparison.p, comparison.holm_p, comparison.dice_difference,
        verdict,
    ]  # fmt: skip


def _who(modality: str, target: str, network: str, entry: Entry | None) -> list[Cell]:
    seeds = len(entry.runs) if entry else 0
    return [modality_name(modality), target, network_name(network), seeds]


def _printed(network: str, modality: str, target: str, what: str) -> float | None:
    if target != _PAPERS_TARGET:
        return None
    printed = paper.PRINTED.get((network, modality), paper.NOTHING_PRINTED)
    value: float | None = getattr(printed, what)
    return value


def _how_written(cohort: Cohort) -> list[str]:
    patients = len(set(cohort.runs[0].table.patients))
    notes = [
        "Written: mean ± standard deviation over seeds [95 % bootstrap interval over patients]."
    ]
    if patients < FEWEST_PATIENTS:
        notes.append(
            f"No intervals: they need at least {FEWEST_PATIENTS} patients; here are {patients}."
        )
    return [*notes, *on_computation(cohort), *_on_seeds(cohort)]


def _on_seeds(cohort: Cohort) -> list[str]:
    notes = []
    numbers = {len(entry.runs) for entry in cohort.entries}
    if 1 in numbers:
        notes.append(
            "With a single seed the figures speak of these weights, not of the architecture: "
            "another seed may well order the networks otherwise."
        )
    if numbers != {1}:
        notes.append(
            "With several seeds each patient's Dice is averaged over them. Intervals and tests "
            "take the trained weights as given: where the deviation over seeds is as large as a "
            "difference, the difference says nothing of the architecture."
        )
    if len({tuple(entry.seeds) for entry in cohort.entries}) > 1:
        notes.append("The networks were not all trained with the same seeds.")
    return notes
