"""What a score is: its name, what it means, and how it is computed from a table.

Every score is a sum of numerators over a sum of denominators, of slices, of cases or of volumes.
So the score of any subset, and with it a jackknife over patients, is a matter of adding up.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.case_masks import ClassMasks, VolumeTable
from lightning_app.metrics.count_table import Counts, CountTable, Floats, ratio
from lightning_app.metrics.intervals import Bounds, Interval
from lightning_app.utils.errors import UsageError

Terms = tuple[Floats, Floats]  # numerators, denominators


class UnitTerms(NamedTuple):
    """A numerator and a denominator of each unit, (units,) each, and the unit's patient."""

    numerators: Floats
    denominators: Floats
    patients: Sequence[str]


@dataclass(frozen=True)
class Result:
    """The summary of a score.

    Attributes:
        value: None if it is undefined.
        interval: 95 % over patients; None if there is none.
        n: number of cases that have the score; None for a count score.
    """

    value: float | None
    interval: Interval | None
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """What all scores declare.

    Attributes:
        name: its name everywhere.
        definition: what it is, for the tables.
        higher_is_better: its direction; None if it has none, and is not compared.
        unit: of its value, such as mm; empty for a ratio.
        in_tables: whether printed tables show it; the files hold all scores.
        bounds: the lowest and the highest value that it can have; infinite if it has none.
        may_exceed: whether the highest is only the worst that an interval allows for, as a penalty
            is, and a unit may have a higher value.
        summary: how its units are joined, for tables, if there is a score of pixels and a score of
            volumes with its name.
        averaged: whether it is a mean over units of which each may have the worst value, for which
            an interval allows; not if it is pooled, or if no unit comes near the worst value.
    """

    name: str
    definition: str
    higher_is_better: bool | None
    unit: str = ""
    in_tables: bool = True
    bounds: Bounds = (0.0, 1.0)
    may_exceed: bool = False
    summary: str = ""
    averaged: bool = False

    @property
    def better(self) -> str:
        """Its direction in one word, for the tables; empty if it has none."""
        if self.higher_is_better is None:
            return ""
        return "higher" if self.higher_is_better else "lower"

    @property
    def heading(self) -> str:
        """Its name with its unit, for a value of a single case."""
        has_unit = not self.unit or self.name.endswith(f"_{self.unit}")
        return self.name if has_unit else f"{self.name} ({self.unit})"

    @property
    def summary_heading(self) -> str:
        """The same for a value of many cases; no other score has it."""
        return f"{self.heading} ({self.summary})" if self.summary else self.heading

    def within_bounds(self, terms: UnitTerms) -> NDArray[np.bool_]:
        """Which units have a value within the bounds, or none, (units,)."""
        low, high = self.bounds
        values = ratio(terms.numerators, terms.denominators, undefined=high)
        return (low - 1e-9 <= values) & (self.may_exceed | (values <= high + 1e-9))

    @property
    def expected(self) -> str:
        """The bounds in words, for errors."""
        return f"a value in its bounds, {self.bounds[0]:g} to {self.bounds[1]:g}"


@dataclass(frozen=True, kw_only=True)
class CountScore(Score):
    """A score from pixel counts.

    Attributes:
        level: the unit that has a numerator and a denominator.
        terms: numerators and denominators of units from their counts; both are 0 for a unit for
            which the score is undefined.
    """

    level: Literal["slice", "case"]
    terms: Callable[[Counts], Terms]

    def unit_terms(self, table: CountTable, index: int) -> UnitTerms:
        """The terms of each unit, for the class with that index.

        Raises:
            UsageError: a numerator or a denominator is NaN or infinite, or a value is out of
                bounds.
        """
        units = table if self.level == "slice" else table.by_case()
        terms = UnitTerms(*self.terms(units.of_class(index)), units.patients)
        finite = np.isfinite(terms.numerators + terms.denominators)
        self._check(finite, "finite numbers, or 0 / 0 if it is undefined", terms, units, index)
        self._check(self.within_bounds(terms), self.expected, terms, units, index)
        return terms

    def _check(
        self,
        valid: NDArray[np.bool_],
        expected: str,
        terms: UnitTerms,
        units: CountTable,
        index: int,
    ) -> None:
        """Raise UsageError, which names the first unit that is not valid."""
        if valid.all():
            return
        unit = int(np.argmin(valid))
        where = f", slice {units.slices[unit]}" if self.level == "slice" else ""
        raise UsageError(
            f"score '{self.name}' of case {units.cases[unit]}{where}, class "
            f"'{units.classes[index]}' is {terms.numerators[unit]} / {terms.denominators[unit]}, "
            f"expected {expected}"
        )


@dataclass(frozen=True, kw_only=True)
class VolumeScore(Score):
    """A score of a case's masks as a volume; its name is also a column of volumes.csv.

    Its summary is the mean over the cases for which it is defined.

    Attributes:
        compute: its value for one class of one case, a finite number; None if it is undefined.
        derived: whether it follows from other scores of the case.
        level: the unit that has a value.
    """

    compute: Callable[[ClassMasks], float | None]
    derived: bool = False
    level: Literal["volume"] = "volume"
    bounds: Bounds = (0.0, math.inf)
    averaged: bool = True

    def unit_terms(self, table: VolumeTable, index: int) -> UnitTerms:
        """The value of each case as a mean's terms, for the class with that index.

        Raises:
            KeyError: the table lacks this score.
            UsageError: a value is out of bounds.
        """
        values = table.values[self.name][:, index]
        terms = UnitTerms(*mean(values, ~np.isnan(values)), table.patients)
        valid = self.within_bounds(terms)
        if not valid.all():
            case = int(np.argmin(valid))
            raise UsageError(
                f"volume score '{self.name}' of case {table.cases[case]}, class "
                f"'{table.classes[index]}' is {values[case]:g}, expected {self.expected}"
            )
        return terms


def mean(values: Floats, counted: NDArray[np.bool_]) -> Terms:
    """Terms of a mean over the units that are counted."""
    return np.where(counted, values, 0), counted.astype(np.float64)
