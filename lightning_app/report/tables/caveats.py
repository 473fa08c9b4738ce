"""What a reader must know before the first table."""

from collections.abc import Sequence

from data_modules.cache.slice_selection import uses_reference
from lightning_app.config.option_policy import HARDWARE, is_below
from lightning_app.metrics.paired_tests import FEWEST_SEEDS
from lightning_app.report.load.cohorts import Cohort, Entry, differing_settings
from lightning_app.report.load.display_names import test_again
from lightning_app.report.load.paper_grid import missing_experiments
from lightning_app.report.load.paper_values import PRINTED
from lightning_app.report.load.tested_run import TestedRun, TestedWeights

_MOST_VALUES = 6  # of an option that are listed


def page_warnings(cohorts: Sequence[Cohort], external: Sequence[Cohort] = ()) -> list[str]:
    """What applies to the whole page, to each group, and to each external data set."""
    warnings = []
    if len(cohorts) > 1:
        warnings.append(
            f"The runs have {len(cohorts)} different data sets, splits, targets or choices of "
            "slices. Each group has its own tables; nothing is compared between groups."
        )
    warnings += _gaps_in_the_grid(cohorts)
    for number, cohort in enumerate(cohorts, start=1):
        prefix = f"Group {number}: " if len(cohorts) > 1 else ""
        warnings += [prefix + caveat for caveat in group_warnings(cohort, cohorts)]
    for number, cohort in enumerate(external, start=1):
        prefix = f"External data set {number} ({cohort.data.name}): "
        warnings += [prefix + caveat for caveat in test_warnings(cohort)]
    return warnings


def group_warnings(cohort: Cohort, cohorts: Sequence[Cohort]) -> list[str]:
    """What applies to all tables of a group, one of the groups of a report."""
    return _version_caveats(cohort, cohorts) + _cohort_caveats(cohort)


def _gaps_in_the_grid(cohorts: Sequence[Cohort]) -> list[str]:
    """Which of the paper's experiments are missing, if most of them are there."""
    missing = missing_experiments(cohorts)
    if not 0 < len(missing) < len(PRINTED) / 2:
        return []
    gaps = (
        f"No finished and tested run of {len(missing)} of the paper's {len(PRINTED)} experiments: "
        f"{', '.join(missing)}."
    )
    return [gaps]


def computation_caveats(cohort: Cohort) -> list[str]:
    """A sentence if the tests differ in precision or acceleration, or may differ; else nothing."""
    ways = sorted(
        {run.test.computed_with or "unknown (an earlier version)" for run in cohort.trainings}
    )
    if len(ways) == 1:
        return []
    caveat = (
        f"The runs were not all tested with the same precision and acceleration: {'; '.join(ways)} "
        "(column 'Tested with' of the table of runs). A difference between networks, in scores or "
        "in times, may come from that: test them in the same way."
    )
    return [caveat]


def seed_notes(cohort: Cohort) -> list[str]:
    """What a number of seeds means for scores and for comparisons."""
    notes = [*fold_notes(cohort), *_few_seeds(cohort)]
    if any(len(entry.runs) > 1 for entry in cohort.entries):
        notes.append("A score is the mean over the seeds; its interval is about other patients.")
    if len({tuple(entry.seeds) for entry in _trained(cohort)}) > 1:
        notes.append("The networks were not all trained with the same seeds.")
    return notes


def fold_notes(cohort: Cohort) -> list[str]:
    """What results of the folds of a cross-validation are about; nothing without folds."""
    if not cohort.folds:
        return []
    note = (
        "Out of fold: each patient was tested by a network that was not trained on the patient, "
        "and whose epoch was chosen on others. Intervals and tests are over all patients, for the "
        f"{cohort.folds} networks of a row as they were trained: these share training patients, so "
        "the variation between training sets is not covered."
    )
    return [note]


def _few_seeds(cohort: Cohort) -> list[str]:
    fewest = min(len(entry.runs) for entry in _trained(cohort))
    if fewest >= FEWEST_SEEDS:
        return []
    seeds = "a single seed" if fewest == 1 else f"fewer than {FEWEST_SEEDS} seeds"
    note = (
        f"With {seeds} the results are about these weights, not about the architecture: other "
        "seeds may well give another order."
    )
    return [note]


def _trained(cohort: Cohort) -> Sequence[Entry]:
    """The entries with runs of single seeds; all if there are only ensembles."""
    return [entry for entry in cohort.entries if not entry.is_ensemble] or cohort.entries


def _version_caveats(cohort: Cohort, cohorts: Sequence[Cohort]) -> list[str]:
    """What earlier versions did in another way, for the runs on which it shows."""
    caveats = [
        f"An earlier version tested {run.name} on the slices with brain only, which differ between "
        f"modalities. {run.command} tests all slices."
        for run in cohort.trainings
        if run.data.omits_blank_slices
    ]
    others = [(run.modality, run.data) for other in cohorts for run in other.trainings]
    caveats += [
        f"An earlier version prepared the slices of {run.name}, perhaps with another brain mask: "
        "train it again to compare it."
        for run in cohort.trainings
        if any(
            modality == run.modality and run.data.is_earlier_preparation_of(data)
            for modality, data in others
        )
    ]
    return caveats


def _cohort_caveats(cohort: Cohort) -> list[str]:
    # All other options that differ are settings, which have a column.
    hardware = [
        f"The runs were not trained with the same options: {option} is {_listed(values)}. "
        "A difference between rows of a table may come from that."
        for option, values in differing_settings(cohort.runs).items()
        if is_below(option, HARDWARE)
    ]
    return _few_seeds(cohort) + hardware + test_warnings(cohort)


def test_warnings(cohort: Cohort) -> list[str]:
    """What a reader must know about the tests, whatever was trained."""
    caveats = computation_caveats(cohort)
    caveats += [
        f"{run.name} was tested with the weights of epoch {weights.epoch + 1}{_whose(run, weights)}"
        ", and its training was then resumed and found better ones: its scores are out of date. "
        f"{test_again(run.command, run.folder)} updates them."
        for run in cohort.trainings
        for weights in run.weights
        if weights.better_epoch_exists
    ]
    caveats += [
        f"{run.name} was trained, or its best epoch chosen, on {run.test.patients_trained_on} of "
        "the tested patients: its scores are optimistic."
        for run in cohort.trainings
        if run.test.patients_trained_on
    ]
    caveats += postprocessing_caveats(cohort)
    if uses_reference(cohort.data.eval_slices):  # type: ignore[arg-type]
        caveats.append(
            f"The tested slices ('{cohort.data.eval_slices}') were chosen by looking at the ground "
            "truth."
        )
    return caveats


def postprocessing_caveats(cohort: Cohort) -> list[str]:
    """What was done to the masks of each run, if anything was; else nothing."""
    done = {run.name: run.test.postprocessing for run in cohort.trainings}
    named = [f"{run}: {what.in_words}" for run, what in done.items() if what is not None]
    if not named:
        return []
    others = "" if len(named) == len(done) else " Scores of all others are those of the network."
    return [f"Masks were post-processed: {'; '.join(named)}.{others}"]


def _listed(values: Sequence[str]) -> str:
    if len(values) > _MOST_VALUES:
        return f"one of {len(values)} values"
    return " or ".join(values)


def _whose(run: TestedRun, weights: TestedWeights) -> str:
    return "" if weights.name == run.name else f" of {weights.name}"
