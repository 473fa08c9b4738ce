"""What is wrong with a file, as data: tables, logs and records say it each in their own way."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_modules.utils.errors import DataError

COPY_AGAIN = "copy or download it again"
_NAMED = 3  # cases that a line of a log spells out

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a case.

    Attributes:
        case: id of the case.
        file: the file, or the folder that lacks one.
        what: what is wrong, which value, what was expected.
        remedy: what to do about it.
        is_warning: whether the case can be used all the same.
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
        file: the file.
        what: what is wrong, which value, what was expected.
        remedy: what to do about it.
    """

    def __init__(self, file: Path, what: str, remedy: str) -> None:
        super().__init__(f"{file}: {what}; {remedy}")
        self.file = file
        self.what = what
        self.remedy = remedy

    def of(self, case: str) -> Problem:
        """The same as a problem of a case."""
        return Problem(case, str(self.file), self.what, self.remedy)


def by(values: Iterable[float]) -> str:
    """A size or a spacing in words, such as 240 x 240 x 155."""
    return " x ".join(f"{value:g}" for value in values)


def by_case(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """The problems of each case, cases sorted."""
    found: dict[str, list[Problem]] = {}
    for problem in sorted(problems, key=lambda one: one.case):
        found.setdefault(problem.case, []).append(problem)
    return found


def in_a_line(problems: Iterable[Problem]) -> str:
    """How many cases have problems, and what those of the first few are."""
    found = by_case(problems)
    shown = [
        f"{case}: {'; '.join(f'{one.file}: {one.what}' for one in found[case])}"
        for case in list(found)[:_NAMED]
    ]
    if len(found) > _NAMED:
        shown.append(f"and {len(found) - _NAMED} more")
    return f"{len(found)} ({'; '.join(shown)})"


def log_problems(problems: Sequence[Problem]) -> None:
    """Say in a line each which cases are left out and which are to be looked at."""
    if bad := [problem for problem in problems if not problem.is_warning]:
        _log.warning("Bad cases left out: %s", in_a_line(bad))
    if warnings := [problem for problem in problems if problem.is_warning]:
        _log.warning("Cases to look at: %s", in_a_line(warnings))
