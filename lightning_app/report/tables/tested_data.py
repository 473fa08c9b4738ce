"""Which data the tables of a cohort are about, in words."""

from collections.abc import Sequence

from data_modules.utils.words import counted
from lightning_app.report.load.cohorts import Cohort
from lightning_app.report.tables.table import Origin

KINDS = {"phantom": "synthetic phantom", "files": "files"}


def origin_of(cohort: Cohort, warnings: Sequence[str]) -> Origin:
    """The origin of the tables of a cohort, with what applies to all of them."""
    data = cohort.data
    kind = KINDS.get(data.kind, data.kind)
    words = f"Data: {kind}; tested: {tested(cohort)}; {split_name(cohort)}."
    return Origin(data.kind, words, warnings)


def tested(cohort: Cohort) -> str:
    """How many cases, patients and slices were tested."""
    table = cohort.runs[0].table
    numbers = (len(set(table.cases)), len(set(table.patients)), len(table.slices))
    cases, patients, slices = map(counted, numbers, ("case", "patient", "slice"))
    if cohort.folds:
        return f"out of fold, {patients}: {cases}, {slices}"
    return f"{cases} of {patients}, {slices}"


def split_name(cohort: Cohort) -> str:
    """The fingerprint of the split, with the number of folds if there are any."""
    name = f"split {cohort.data.split}"
    return f"{cohort.folds} folds, {name}" if cohort.folds else name
