"""What is wrong with files, as data: tables, logs and records each format it differently."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_modules.utils.errors import DataError

COPY_AGAIN = "copy or download it again"
_CASES_SHOWN = 3  # in a line of a log

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a case.

    Attributes:
        case: Id of the case.
        file: The file, or the folder that lacks a file.
        what: What is wrong, which value it has, what was expected.
        remedy: What to do about it.
        is_warning: Whether the case can be used anyway.
    """

    case: str
    file: str
    what: str
    remedy: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.file}: {self.what}; {self.remedy}"


class BadFileError(DataError):
    """A file cannot be used.

    Args:
        file: The file.
        what: What is wrong, which value it has, what was expected.
        remedy: What to do about it.
    """

    def __init__(self, file: Path, what: str, remedy: str) -> None:
        super().__init__(f"{file}: {what}; {remedy}")
        self.file = file
        self.what = what
        self.remedy = remedy

    def as_problem(self, case: str) -> Problem:
        """This error as the problem of a case."""
        return Problem(case, str(self.file), self.what, self.remedy)


def by(values: Iterable[float]) -> str:
    """A size or a spacing as text, such as 240 x 240 x 155."""
    return " x ".join(f"{value:g}" for value in values)


def by_case(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """The problems of each case, cases sorted."""
    grouped: dict[str, list[Problem]] = {}
    for problem in sorted(problems, key=lambda problem: problem.case):
        grouped.setdefault(problem.case, []).append(problem)
    return grouped


def in_a_line(problems: Iterable[Problem]) -> str:
    """The number of cases with problems, and the problems of the first few."""
    grouped = by_case(problems)
    shown = [
        f"{case}: {'; '.join(f'{problem.file}: {problem.what}' for problem in grouped[case])}"
        for case in list(grouped)[:_CASES_SHOWN]
    ]
    if len(grouped) > _CASES_SHOWN:
        shown.append(f"and {len(grouped) - _CASES_SHOWN} more")
    return f"{len(grouped)} ({'; '.join(shown)})"


def check_usable(problems: Iterable[Problem]) -> None:
    """Check that no problem makes a case unusable.

    Raises:
        DataError: One does.
    """
    if bad := [problem for problem in problems if not problem.is_warning]:
        raise DataError(
            f"bad cases: {in_a_line(bad)}; fix them (`prepare` says how), or leave them out "
            "with --data.on_bad_case skip"
        )


def log_problems(problems: Sequence[Problem], remarks: Iterable[str]) -> None:
    """Log remarks on the data set, which cases are left out and which to look at, a line each."""
    for remark in remarks:
        _log.warning("Data: %s", remark)
    if bad := [problem for problem in problems if not problem.is_warning]:
        _log.warning("Bad cases left out: %s", in_a_line(bad))
    if warnings := [problem for problem in problems if problem.is_warning]:
        _log.warning("Cases to look at: %s", in_a_line(warnings))
