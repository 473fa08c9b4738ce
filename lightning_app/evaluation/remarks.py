"""What is said about an evaluation as a whole: on the terminal and on the page."""

from collections.abc import Sequence

import numpy as np

from data_modules.utils.words import counted
from lightning_app.evaluation.inputs.values import ALL_REGIONS, BY_DEFAULT
from lightning_app.evaluation.plan import Plan
from lightning_app.metrics.case_tables import CaseScores
from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.metrics.volume.cohorts import YEAR
from lightning_app.metrics.volume_scores import VOLUME_SCORES

_SHOWN = 3  # cases in a line


def facts(plan: Plan) -> list[tuple[str, str]]:
    """What is evaluated, as names and values."""
    lines = [
        (of_set.folder.option, f"{of_set.folder.path}; values: {of_set.values.name}, {of_set.why}")
        for of_set in plan.sets
    ]
    cohort = plan.cohort
    lesions = (
        f"grow {counted(cohort.dilations, 'time')}, those of at most {cohort.smallest_mm3:g} mm³ "
        "left out"
    )
    return [
        *lines,
        ("--reference", f"{plan.references.path}; values: {plan.references.values}"),
        ("Cases", f"{scored_cases(plan)}, of {counted(plan.patients, 'patient')}"),
        ("Regions", ", ".join(plan.regions)),
        ("Cohort", f"{cohort.name} of BraTS {YEAR}, {plan.cohort_why}; lesions {lesions}"),
        ("NSD", f"tolerance {plan.request.tolerance:g} mm"),
    ]


def scored_cases(plan: Plan) -> str:
    """The number of cases, such as "12" and "2 of 12" if cases without a mask are left out."""
    scored, left_out = len(plan.files), len(plan.left_out)
    return f"{scored} of {scored + left_out}" if left_out else str(scored)


def remarks(plan: Plan, scored: Sequence[CaseScores]) -> list[str]:
    """What is missing or cannot be compared, and what else a reader must know.

    Args:
        plan: what is evaluated.
        scored: of one of the masks of each case; all are on the same grids.
    """
    found = [line for of_set in plan.sets for line in of_set.folder.remarks]
    found += plan.references.remarks
    for index, of_set in enumerate(plan.sets):
        if missing := plan.missing(index):
            what = f"{of_set.folder.option}: missing masks that count as empty"
            found.append(f"{what}: {_cases(missing, len(plan.files))}")
    if plan.left_out:
        total = len(plan.files) + len(plan.left_out)
        found.append(f"cases without a mask, not scored: {_cases(plan.left_out, total)}")
    if plan.references.unlabelled:
        unlabelled = sorted(plan.references.unlabelled)
        total = len(plan.files) + len(unlabelled)
        found.append(f"cases without ground truth, not scored: {_cases(unlabelled, total)}")
    if slices := [case.case for case in scored if case.is_slice]:
        found.append(
            f"single slices: {_cases(slices, len(scored))}; their HD95 and NSD are in 2-D, "
            "which cannot be compared with those of volumes, and they have no lesion-wise scores"
        )
    if left_out := [region for region in ALL_REGIONS if region not in plan.regions]:
        found.append(f"regions that are not scored: {', '.join(left_out)}; the masks lack them")
    if plan.sets[0].why == BY_DEFAULT and _have_only_core(scored):
        found.append(
            f"{plan.sets[0].folder.option}: the masks hold no value but 1, which is tumour core by "
            "default; if it means whole tumour, add --values whole"
        )
    if plan.patients < FEWEST_PATIENTS:
        found.append(
            f"no intervals and no tests: they need at least {FEWEST_PATIENTS} patients, and there "
            f"{'is' if plan.patients == 1 else 'are'} {plan.patients}"
        )
    return found


def _have_only_core(scored: Sequence[CaseScores]) -> bool:
    """Whether the masks of all cases hold label 1 alone."""
    row = [score.name for score in VOLUME_SCORES].index("volume_predicted_ml")
    volumes = np.array([case.values[row] for case in scored])  # (cases, regions)
    if volumes.shape[1] < len(ALL_REGIONS):
        return False
    whole, core, enhancing = volumes.T
    return bool(whole.any() and np.array_equal(whole, core) and not enhancing.any())


def _cases(cases: Sequence[str], total: int) -> str:
    more = ", ..." if len(cases) > _SHOWN else ""
    return f"{len(cases)} of {total} ({', '.join(cases[:_SHOWN])}{more})"
