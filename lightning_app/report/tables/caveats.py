"""What a reader must know before the first table."""

from collections.abc import Sequence

from data_modules.cache.slice_selection import uses_reference
from lightning_app.report.load.cohorts import Cohort, differing_settings
from lightning_app.report.load.paper_grid import missing_experiments
from lightning_app.report.load.runs import TestedRun


def page_warnings(cohorts: Sequence[Cohort]) -> list[str]:
    """One sentence or two each."""
    found = []
    if len(cohorts) > 1:
        found.append(
            f"The runs are of {len(cohorts)} different data sets, splits, targets or choices of "
            "slices. Each has tables of its own; nothing is compared between them."
        )
    if missing := missing_experiments(cohorts):
        found.append(
            f"{len(missing)} of the paper's 12 experiments have no finished and tested run: "
            f"{', '.join(missing)}."
        )
    for number, cohort in enumerate(cohorts, start=1):
        where = f"Group {number}: " if len(cohorts) > 1 else ""
        found += [where + words for words in _of_cohort(cohort)]
    return found


def on_computation(cohort: Cohort) -> list[str]:
    """A sentence where the tests were not computed alike, or may not have been; else nothing."""
    ways = sorted({run.computed_with or "unknown, of an earlier version" for run in cohort.runs})
    if len(ways) == 1:
        return []
    words = (
        f"The runs were not all tested with the same precision and acceleration: {'; '.join(ways)} "
        "(column 'Tested with' of the table of runs). A difference between networks, in scores or "
        "in times, may come from that: test them alike."
    )
    return [words]


def _of_cohort(cohort: Cohort) -> list[str]:
    found = []
    if any(len(entry.runs) == 1 for entry in cohort.entries):
        found.append(
            "Networks with a single seed: what is said of them is said of these weights, not of "
            "the architecture."
        )
    for option, values in differing_settings(cohort.runs).items():
        found.append(
            f"The runs were not trained alike: {option} is {' or '.join(values)}. A difference "
            "between networks may come from that."
        )
    found += on_computation(cohort)
    found += [
        f"{run.name} was tested with the weights of epoch {run.best_epoch} and then trained on to "
        f"better ones: its scores are old. python main.py test --run {run.run.path} renews them."
        for run in cohort.runs
        if _went_on(run)
    ]
    found += [
        f"{run.name} was trained, or its best epoch chosen, on {run.flattered_by} of the tested "
        "patients: its scores are flattered."
        for run in cohort.runs
        if run.flattered_by
    ]
    if uses_reference(cohort.data.eval_slices):  # type: ignore[arg-type]
        found.append(
            f"The tested slices ('{cohort.data.eval_slices}') were chosen by looking at the truth."
        )
    return found


def _went_on(run: TestedRun) -> bool:
    """Whether the training has come to a higher validation Dice than the tested weights had."""
    tested = dict(run.history).get(run.best_epoch)
    return tested is not None and any(dice > tested for _, dice in run.history)
