"""What is to be evaluated: found, checked, and described before anything is computed."""

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from data_modules.utils.problems import Problem, by_case
from data_modules.utils.process_pool import Workers, cores
from data_modules.utils.progress import tracked
from data_modules.utils.words import counted
from lightning_app.evaluation.case_job import CaseJob
from lightning_app.evaluation.inputs.cohort import choose_cohort
from lightning_app.evaluation.inputs.mask_folder import read_mask_folder
from lightning_app.evaluation.inputs.pairing import (
    CaseFiles,
    MaskSet,
    OnMissing,
    pair,
    pairing_problems,
)
from lightning_app.evaluation.inputs.references import References, read_references
from lightning_app.evaluation.inputs.values import ALL_REGIONS, values_of
from lightning_app.evaluation.read_case import check_case
from lightning_app.metrics.case_masks import VolumeSettings
from lightning_app.metrics.case_tables import CaseScores
from lightning_app.metrics.volume.cohorts import Cohort
from lightning_app.utils.errors import UsageError

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Request:
    """The options of the command.

    Attributes:
        masks: the folders of masks: ``--input``, and ``--against`` if it is compared.
        reference: the folder of the ground truth.
        release: of the ground truth, or ``auto``.
        values: of the masks; None to find out.
        cohort: name of a cohort; None to find out.
        tolerance: of NSD, in mm.
        on_missing: what becomes of a case without a mask.
    """

    masks: Sequence[Path]
    reference: Path
    release: str
    values: str | None
    cohort: str | None
    tolerance: float
    on_missing: OnMissing


@dataclass(frozen=True)
class Plan:
    """An evaluation that can be computed: all files were read and fit.

    Attributes:
        request: the options.
        references: the ground truth.
        sets: the masks.
        files: of each case that is scored.
        left_out: ids of the cases that are not, as a mask is missing.
        regions: that are scored, by name.
        cohort: defines lesions.
        cohort_why: how it is known.
    """

    request: Request
    references: References
    sets: Sequence[MaskSet]
    files: Sequence[CaseFiles]
    left_out: Sequence[str]
    regions: Sequence[str]
    cohort: Cohort
    cohort_why: str

    @property
    def patients(self) -> int:
        """Number of patients."""
        return len({files.reference.patient for files in self.files})

    def missing(self, index: int) -> list[str]:
        """Ids of the cases whose mask is missing in the set with that index."""
        return [files.reference.case for files in self.files if files.masks[index] is None]


class InputError(UsageError):
    """Files that do not fit together.

    Attributes:
        problems: all that was found, cases sorted.
        remarks: what was not read, which may explain them.
    """

    def __init__(self, problems: Sequence[Problem], remarks: Sequence[str]) -> None:
        grouped = by_case(problems)
        found = f"{counted(len(problems), 'problem')} in {counted(len(grouped), 'case')}"
        super().__init__(f"{found}; nothing was computed or written")
        self.problems = [problem for of_case in grouped.values() for problem in of_case]
        self.remarks = remarks


def make_plan(request: Request, workers: Workers) -> Plan:
    """Find and check all files.

    Raises:
        InputError: files do not fit together; it names all of them.
        UsageError: the options contradict each other or the files.
        DataError: a folder has nothing to evaluate.
    """
    references = read_references(request.reference, request.release, request.values)
    sets = []
    for path, option in zip(request.masks, ("--input", "--against"), strict=False):
        folder = read_mask_folder(path, option)
        sets.append(MaskSet(folder, *values_of(folder, request.values)))
    regions = _regions(references, sets)
    files, left_out = _scored(pair(references, sets), request.on_missing)
    remarks = [line for of_set in sets for line in of_set.folder.remarks]
    if not files:
        raise InputError(pairing_problems(references, sets, "stop"), remarks)
    cohort, why = choose_cohort([of_case.reference for of_case in files], request.cohort)
    problems = [*references.problems, *(p for of_set in sets for p in of_set.folder.problems)]
    problems += pairing_problems(references, sets, request.on_missing)
    for found in _in_parallel(check_case, files, "Checking", workers):
        problems += found
    if problems:
        raise InputError(problems, remarks)
    return Plan(request, references, sets, files, left_out, regions, cohort, why)


def score_all(plan: Plan, workers: Workers) -> list[tuple[CaseScores, ...]]:
    """The scores of each case, of each of its masks."""
    settings = VolumeSettings(plan.cohort, plan.request.tolerance)
    jobs = [CaseJob(files, plan.regions, settings) for files in plan.files]
    return list(_in_parallel(operator.call, jobs, "Scoring", workers))


def _in_parallel(
    function: Callable[[_Job], _Result], jobs: Sequence[_Job], what: str, workers: Workers
) -> Iterator[_Result]:
    """Results in the order of the jobs, with a progress bar on standard error."""
    processes = max(1, min(cores(), len(jobs)))
    with closing(workers.run_in_order(function, jobs, processes)) as results:
        yield from tracked(results, what, len(jobs))


def _scored(files: Sequence[CaseFiles], on_missing: OnMissing) -> tuple[list[CaseFiles], list[str]]:
    """The files of the cases that are scored, and the ids of those that are left out."""
    if on_missing != "skip":
        return list(files), []
    complete = [of_case for of_case in files if of_case.is_complete]
    return complete, [of_case.reference.case for of_case in files if not of_case.is_complete]


def _regions(references: References, sets: Sequence[MaskSet]) -> list[str]:
    """The regions that all masks and all ground truth have."""
    known = [reference.label_map.values for reference in references.cases.values()]
    known += [of_set.values for of_set in sets]
    regions = [r for r in ALL_REGIONS if all(r in values.regions for values in known)]
    if not regions:
        names = ", ".join(sorted({values.name for values in known}))
        raise UsageError(f"the label maps have no region in common: their values are {names}")
    return regions
