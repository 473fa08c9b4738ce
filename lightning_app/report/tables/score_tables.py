"""The tables of a cohort's scores."""

import numpy as np

from data_modules.utils.words import number_range
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.score import Score
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.paper_grid import paper_rows
from lightning_app.report.load.paper_values import Printed
from lightning_app.report.tables.caveats import computation_caveats
from lightning_app.report.tables.entry_columns import entry_cells, entry_columns, score_notes
from lightning_app.report.tables.estimates import (
    Measure,
    dice_by_case,
    pixels_by_case,
    score_measure,
)
from lightning_app.report.tables.table import Cell, Column, Table, fixed

_PAPERS_TARGET = "whole"  # the paper does not name it; its figures fit no smaller target
PREDICTING_NOTHING = "(predicting nothing)"
_SIZES = ("small", "medium", "large")
_SCORE = {score.name: score for score in SCORES}
# Key and title of a column, and the score that it shows.
TABLE_1_SCORES = (
    ("dsc", "DSC", "dice"), ("miou", "mIoU", "miou"),
    ("miou_empty0", "mIoU, empty as 0", "miou_empty0"), ("accuracy", "Acc", "accuracy"),
)  # fmt: skip
_IN_PAPER = ("dsc", "miou", "accuracy")
_TABLE_1_NOTE = (
    "DSC is the pooled Dice of all pixels of the test split (dice). mIoU is the mean over the "
    "slices with the class in ground truth or prediction (miou): each network is averaged over its "
    "own slices, so networks are not compared by mIoU. 'mIoU, empty as 0' is the mean over all "
    "slices, and counts a slice that is empty in both as 0 (miou_empty0). The paper does not say "
    "which of the two its mIoU is. The rows '(predicting nothing)' have the accuracy of predicting "
    "no pixel at all."
)
_SIZE_NOTE = (
    "Mean Dice (also over seeds) of the cases with the class in the ground truth, by thirds of its "
    "size there, and the rank correlation of Dice with that size. Size is the number of pixels of "
    "the class in the tested slices of the case, by default the middle slice alone: it is not the "
    "volume of the tumour."
)
_CASE_NOTE = (
    "A case is one scan, and scores per case are about its tested slices: by default one, the "
    "middle slice, not the volume."
)


def table_1(cohort: Cohort) -> Table:
    """DSC, two readings of mIoU, and accuracy, the paper's beside ours."""
    columns = entry_columns(cohort)
    for key, title, _ in TABLE_1_SCORES:
        columns += [Column(key, f"{title} (%)")]
        columns += [Column(f"{key}_paper", f"{title}, paper")] if key in _IN_PAPER else []
    rows: list[list[Cell]] = []
    for modality in cohort.modalities:
        for index, target in enumerate(cohort.classes):
            for paper in (row for row in paper_rows(cohort) if row.modality == modality):
                entry = paper.entry
                row = entry_cells(cohort, modality, target, entry or paper.name)
                for key, _, name in TABLE_1_SCORES:
                    row += [percentage(entry, index, name) if entry else None]
                    row += [printed(paper.printed, target, key)] if key in _IN_PAPER else []
                rows.append(row)
            nothing = cohort.of(modality)[0].first.test.accuracy_of_nothing[target]
            cells = entry_cells(cohort, modality, target, PREDICTING_NOTHING)
            rows.append([*cells[:-1], *[None] * 6, 100 * nothing, None])
    notes = [_TABLE_1_NOTE, *score_notes(cohort)]
    return Table("table1", "Table 1: scores on the test split", columns, rows, notes)


def percentage(entry: Entry, index: int, name: str) -> Measure:
    """A score of Table 1, of the class with that index, in %."""
    return score_measure(entry, index, _SCORE[name]).times(100)


def printed(figures: Printed, target: str, key: str) -> float | None:
    """The paper's figure in a column of Table 1; None if it prints none."""
    value: float | None = getattr(figures, key, None)
    return value if target == _PAPERS_TARGET else None


def all_scores(cohort: Cohort) -> Table:
    """Every count score."""
    columns = [*entry_columns(cohort), *map(_score_column, SCORES)]
    rows = [
        [
            *entry_cells(cohort, entry.modality, target, entry),
            *(score_measure(entry, index, score) for score in SCORES),
        ]
        for modality in cohort.modalities
        for index, target in enumerate(cohort.classes)
        for entry in cohort.of(modality)
    ]
    return Table("scores", "All scores", columns, rows, [_CASE_NOTE, *score_notes(cohort)])


def size_table(cohort: Cohort) -> Table:
    """Dice of small, medium and large tumours."""
    columns = [
        *entry_columns(cohort),
        Column("cases", "Cases", fixed(0)), Column("thirds", "Thirds (pixels)"),
        *(Column(f"dice_{size}", size.capitalize(), fixed(4)) for size in _SIZES),
        Column("spearman", "Spearman's rho", fixed(2)),
    ]  # fmt: skip
    rows = [
        _size_cells(cohort, entry, index)
        for modality in cohort.modalities
        for index in range(len(cohort.classes))
        for entry in cohort.of(modality)
    ]
    notes = [_SIZE_NOTE, *computation_caveats(cohort)]
    return Table("tumour_size", "Score against tumour size", columns, rows, notes)


def _size_cells(cohort: Cohort, entry: Entry, index: int) -> list[Cell]:
    from scipy import stats  # takes half a second

    target = entry.first.table.classes[index]
    pixels, dice = pixels_by_case(entry, index), dice_by_case(entry, index)
    pixels, dice = pixels[pixels > 0], dice[pixels > 0]
    row = [*entry_cells(cohort, entry.modality, target, entry), len(pixels)]
    if len(pixels) < len(_SIZES):
        return [*row, None, None, None, None, None]
    thirds = np.array_split(np.argsort(pixels, kind="stable"), len(_SIZES))
    ends = [number_range(f"{pixels[third[0]]:,}", f"{pixels[third[-1]]:,}") for third in thirds]
    varies = len(set(pixels.tolist())) > 1 and len(set(dice.tolist())) > 1
    rho = float(stats.spearmanr(pixels, dice).statistic) if varies else None
    return [*row, "; ".join(ends), *(float(dice[third].mean()) for third in thirds), rho]


def _score_column(score: Score) -> Column:
    return Column(score.name, score.summary_heading, fixed(4))
