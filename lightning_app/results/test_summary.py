"""What a test prints: its scores, and what a reader must know about them."""

from collections.abc import Sequence

from rich.console import Console

from data_modules.brats import BraTSDataModule
from data_modules.cache.slice_selection import uses_reference
from data_modules.utils.words import counted
from lightning_app.metrics.case_masks import VolumeSettings
from lightning_app.metrics.case_tables import CaseScores
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import Results, accuracy_of_nothing
from lightning_app.metrics.intervals import FEWEST_PATIENTS, METHOD
from lightning_app.metrics.score import Result
from lightning_app.metrics.volume.cohorts import YEAR, Cohort
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.results.score_table import score_table, undefined_notes
from lightning_app.scoring.test_scores import TestScores
from lightning_app.utils.text import print_lines

DEFINITIONS = "docs/scores.md"


def print_scores(
    data: BraTSDataModule, table: CountTable, scores: Results, volumes: Results
) -> None:
    """Print the scores, and below them what a reader must know.

    Args:
        data: the tested data.
        table: the counts of the tested slices.
        scores: the count scores.
        volumes: the volume scores.
    """
    console = Console(markup=False, emoji=False)
    origin = " (synthetic phantom)" if data.source.is_phantom else ""
    console.print()
    console.print(score_table(f"Test scores, of pixels{origin}", SCORES, scores))
    console.print()
    title = f"Test scores, of {_units(table, volumes)}: means over cases{origin}"
    console.print(score_table(title, VOLUME_SCORES, volumes))
    console.print()
    print_lines(
        *data_notes(data, table),
        *undefined_notes(SCORES, scores),
        *undefined_notes(VOLUME_SCORES, volumes),
        _interval_note(table),
        f"What each score is: {DEFINITIONS}.",
    )


def _units(table: CountTable, volumes: Results) -> str:
    """What the volume scores are of."""
    if any(by_name["lesion_dice"].n for by_name in volumes.values()):
        return "volumes"
    are_slices = len(table.slices) == len(set(table.cases))
    return "single slices in 2-D" if are_slices else "slices that are not adjacent"


def volume_notes(scored: Sequence[CaseScores], cohorts: Sequence[Cohort]) -> list[str]:
    """What a reader must know about the volume scores of a test.

    Args:
        scored: the cases.
        cohorts: of BraTS, which define their lesions.
    """
    cases = counted(len(scored), "case")
    notes = [f"Tolerance of nsd: {VolumeSettings().tolerance:g} mm."]
    if slices := sum(case.is_slice for case in scored):
        notes.append(
            f"Single slices: {slices} of {cases}; their hd95 and nsd are in 2-D, "
            "which cannot be compared with those of volumes, and they have no lesion-wise scores "
            "(--data.eval_slices all scores volumes)."
        )
    gaps = sum(case.has_gaps for case in scored)
    if gaps:
        notes.append(
            f"Not tested on all slices in between: {gaps} of {cases}; they have "
            "neither hd95 nor nsd nor lesion-wise scores."
        )
    if slices + gaps < len(scored):
        names = " and ".join(cohort.name for cohort in cohorts)
        notes.append(f"Lesions are those of BraTS {YEAR} for {names}.")
    return notes


def postprocessing_notes(postprocessing: Postprocessing, test: TestScores) -> list[str]:
    """What was done to the masks, and the scores without it; nothing if nothing was done."""
    if test.raw is None:
        return []
    raw = [
        f"{name} {_brief(test.raw.scores[name]['dice'])}, "
        f"lesion_dice {_brief(test.raw.volumes[name]['lesion_dice'])}"
        for name in test.raw.scores
    ]
    return [
        f"Post-processing: {postprocessing.in_words}. Dice without it: {'; '.join(raw)}.",
    ]


def _brief(result: Result) -> str:
    return "-" if result.value is None else f"{result.value:.3f}"


def data_notes(data: BraTSDataModule, table: CountTable) -> list[str]:
    """What a reader must know about scored slices.

    Args:
        data: the data.
        table: the counts of the slices.
    """
    patients, cases = len(set(table.patients)), len(set(table.cases))
    slices = len(table.slices)
    nothing = ", ".join(f"{share:.4f}" for share in accuracy_of_nothing(table).values())
    choice = data.choices["eval"]
    notes = [
        f"Data: {data.source.in_words}; patients {patients}, cases {cases}, slices {slices}.",
        f"A case is one scan; its scores and its volume are those of its tested slices ({choice}).",
        f"Accuracy of predicting nothing at all: {nothing}.",
    ]
    for index, name in enumerate(table.classes):
        if not table.of_class(index).predicted.any():
            notes.append(f"No pixel of class '{name}' is predicted: the network marks nothing.")
    if uses_reference(choice):
        notes.append(f"The slices ('{choice}') were chosen by looking at the ground truth.")
    return notes


def _interval_note(table: CountTable) -> str:
    if len(set(table.patients)) < FEWEST_PATIENTS:
        return f"No intervals: they need at least {FEWEST_PATIENTS} patients."
    return f"{METHOD}; none for a score of fewer than {FEWEST_PATIENTS} patients."
