"""Which of the challenge's cohorts the cases are of."""

from collections.abc import Iterable

from lightning_app.evaluation.inputs.references import Reference
from lightning_app.metrics.volume.cohorts import COHORTS, Cohort, cohort_of
from lightning_app.utils.errors import UsageError


def choose_cohort(references: Iterable[Reference], typed: str | None) -> tuple[Cohort, str]:
    """The cohort, and how it is known.

    Raises:
        UsageError: the cases are of several cohorts, and the user named none.
    """
    if typed is not None:
        return COHORTS[typed], "as typed"
    cohorts: dict[Cohort, dict[str, None]] = {}  # the releases of each, in the order of the cases
    for reference in references:
        releases = cohorts.setdefault(cohort_of(reference.release), {})
        releases[reference.release or "unknown"] = None
    if len(cohorts) > 1:
        found = ", ".join(
            f"{cohort.name} ({', '.join(releases)})" for cohort, releases in cohorts.items()
        )
        raise UsageError(
            f"the cases are of several cohorts, by their releases: {found}; name --cohort, or "
            "evaluate each cohort by itself"
        )
    ((cohort, releases),) = cohorts.items()
    if list(releases) == ["unknown"]:
        return cohort, "the default, as the ids name no release"
    return cohort, f"by the releases of the cases: {', '.join(releases)}"
