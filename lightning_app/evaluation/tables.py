"""The tables of an evaluation's page."""

from collections.abc import Sequence

import numpy as np

from lightning_app.evaluation.comparison import Comparison
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.evaluate import Results
from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.metrics.paired_tests import ALPHA, MOST_FOR_EXACT
from lightning_app.metrics.score import VolumeScore
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.tables.estimates import Measure
from lightning_app.report.tables.table import Cell, Column, Table, fixed, p_value

_DIGITS = {"mm": 2, "ml": 2, "": 4}  # after the point, by unit
_WORST = 5  # cases of each region
_SCORE = {score.name: score for score in VOLUME_SCORES}
_OVERLAP = ("dice", "sensitivity", "specificity", "nsd", "hd95", "hd95_both")
_LESIONS = (
    "lesion_dice", "lesion_hd95", "lesions_found", "lesions_missed", "lesions_invented",
    "volume_reference_ml", "volume_predicted_ml", "volume_error",
)  # fmt: skip
_OF_A_CASE = (
    "dice", "hd95", "nsd", "lesion_dice", "lesions_found", "lesions_missed", "lesions_invented",
    "volume_reference_ml", "volume_predicted_ml",
)  # fmt: skip
_REGION = Column("region", "Region")
_MEANS_NOTE = (
    "A and B are means over the cases for which both are defined. The interval of A - B is a 95 % "
    "interval over patients."
)
_TEST_NOTE = (
    "p is two-sided, of Wilcoxon's signed-rank test: exact if at most "
    f"{MOST_FOR_EXACT} patients differ, else by the normal approximation. p, Holm is corrected "
    "over the regions, for each score by itself. A verdict is about its score alone: whoever picks "
    "one of many scores has made many comparisons."
)
_VERDICT_NOTE = (
    f"A verdict needs a corrected p below {ALPHA}, and an interval that excludes 0; there is none "
    f"for fewer than {FEWEST_PATIENTS} patients."
)
_COMPARISON_NOTES = (_MEANS_NOTE, _TEST_NOTE, _VERDICT_NOTE)


def summary_tables(summaries: Results) -> list[Table]:
    """The means of all scores."""
    return [
        _summary_table("scores", "Mean scores", _OVERLAP, summaries),
        _summary_table("lesions", "Lesions and volumes, means", _LESIONS, summaries),
    ]


def comparison_table(comparisons: Sequence[Comparison], names: tuple[str, str]) -> Table:
    """Every score of two sets of masks."""
    columns = [
        Column("score", "Score"), _REGION, Column("n", "Cases", fixed(0)),
        Column("first", f"A: {names[0]}", fixed(4)), Column("second", f"B: {names[1]}", fixed(4)),
        Column("difference", "A - B", fixed(4)), Column("p", "p", p_value),
        Column("holm_p", "p, Holm", p_value), Column("verdict", "Verdict"),
    ]  # fmt: skip
    rows = [_comparison_row(found, names) for found in comparisons]
    return Table("comparison", "Comparison of the masks", columns, rows, _COMPARISON_NOTES)


def worst_cases(table: VolumeTable) -> Table:
    """The cases with the lowest Dice of each region."""
    columns = [_REGION, Column("case", "Case"), Column("patient", "Patient")]
    columns += [_column(_SCORE[name], of_a_case=True) for name in _OF_A_CASE]
    rows: list[list[Cell]] = []
    for index, region in enumerate(table.classes):
        dice = table.values["dice"][:, index]
        ranked = sorted(range(len(dice)), key=lambda row: (dice[row], table.cases[row]))
        for row in ranked[:_WORST]:
            values = (table.values[name][row, index] for name in _OF_A_CASE)
            cells = [Measure(None if np.isnan(value) else float(value)) for value in values]
            rows.append([region, table.cases[row], table.patients[row], *cells])
    note = f"The {_WORST} cases of each region with the lowest Dice; cases.csv has all of them."
    return Table("worst", "Worst cases", columns, rows, [note])


def _summary_table(name: str, title: str, scores: Sequence[str], summaries: Results) -> Table:
    columns = [_REGION, Column("cases", "Cases", fixed(0))]
    rows: list[list[Cell]] = [[name, by_name["dice"].n] for name, by_name in summaries.items()]
    for score in scores:
        of_score = [by_name[score] for by_name in summaries.values()]
        columns.append(_column(_SCORE[score]))
        for row, found in zip(rows, of_score, strict=True):
            row.append(Measure(found.value, None, found.interval))
        if any(found.n != row[1] for row, found in zip(rows, of_score, strict=True)):
            columns.append(Column(f"{score}_n", f"{score}, cases", fixed(0)))
            for row, found in zip(rows, of_score, strict=True):
                row.append(found.n)
    note = (
        "Means over cases, with 95 % intervals over patients. If some cases lack a score, the "
        "number of those that have it is given."
    )
    return Table(name, title, columns, rows, [note])


def _column(score: VolumeScore, *, of_a_case: bool = False) -> Column:
    is_count = of_a_case and score.name.startswith("lesions_")
    heading = score.heading if of_a_case else score.summary_heading
    return Column(score.name, heading, fixed(0 if is_count else _DIGITS[score.unit]))


def _comparison_row(found: Comparison, names: tuple[str, str]) -> list[Cell]:
    difference = found.difference
    return [
        found.score.name, found.region, found.n, Measure(found.first), Measure(found.second),
        Measure(difference.value, None, difference.interval) if difference else Measure(None),
        difference.p if difference else None, found.holm_p, found.verdict(names),
    ]  # fmt: skip
