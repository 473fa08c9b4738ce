"""Which of the challenge's cohorts the cases are of."""

from collections.abc import Iterable

from lightning_app.evaluation.inputs.references import Reference
from lightning_app.utils.errors import UsageError

_DEFAULT = "glioma"
# By the release of the cases; all others are of glioma.
_OF_RELEASE = {
    "brats-ssa": "africa",
    "brats-men": "meningioma",
    "brats-men-rt": "meningioma",
    "brats-met": "metastases",
    "brats-ped2023": "pediatric",
    "brats-ped2024": "pediatric",
}


def choose_cohort(references: Iterable[Reference], typed: str | None) -> tuple[str, str]:
    """The name of the cohort, and how it is known.

    Raises:
        UsageError: the cases are of several cohorts, and the user named none.
    """
    if typed is not None:
        return typed, "as typed"
    cohorts: dict[str, dict[str, None]] = {}  # the releases of each, in the order of the cases
    for reference in references:
        releases = cohorts.setdefault(_OF_RELEASE.get(reference.release or "", _DEFAULT), {})
        releases[reference.release or "unknown"] = None
    if len(cohorts) > 1:
        found = ", ".join(f"{name} ({', '.join(releases)})" for name, releases in cohorts.items())
        raise UsageError(
            f"the cases are of several cohorts, by their releases: {found}; name --cohort, or "
            "evaluate each cohort by itself"
        )
    ((cohort, releases),) = cohorts.items()
    if list(releases) == ["unknown"]:
        return cohort, "the default, as the ids name no release"
    return cohort, f"by the releases of the cases: {', '.join(releases)}"
