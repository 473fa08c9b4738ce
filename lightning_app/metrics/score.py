"""What a score is: its name, what it means, and how it is computed from a table.

Every score is a sum of numerators over a sum of denominators, of slices, of cases or of volumes.
So the score of any subset, and with it a bootstrap over patients, is a matter of adding up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.bootstrap import Interval
from lightning_app.metrics.case_masks import ClassMasks, VolumeTable
from lightning_app.metrics.count_table import Counts, CountTable, Floats
from lightning_app.utils.errors import UsageError

Terms = tuple[Floats, Floats]  # numerators, denominators


class UnitTerms(NamedTuple):
    """A numerator and a denominator of each unit, (units,) each, and the unit's patient."""

    numerators: Floats
    denominators: Floats
    patients: Sequence[str]


@dataclass(frozen=True)
class Result:
    """A score's value and its 95 % interval; None if undefined or if there is no interval."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class Score:
    """What all scores declare.

    Attributes:
        name: its name everywhere.
        definition: what it is, for the tables.
        higher_is_better: its direction.
        unit: of its value, such as mm; empty for a ratio.
        in_tables: whether printed tables show it; the files hold all scores.
    """

    name: str
    definition: str
    higher_is_better: bool
    unit: str = ""
    in_tables: bool = True

    @property
    def better(self) -> str:
        """Its direction in one word, for the tables."""
        return "higher" if self.higher_is_better else "lower"


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
            UsageError: a numerator or a denominator is NaN or infinite.
        """
        units = table if self.level == "slice" else table.by_case()
        numerators, denominators = self.terms(units.of_class(index))
        if len(bad := np.flatnonzero(~np.isfinite(numerators + denominators))):
            unit = bad[0]
            place = f", slice {units.slices[unit]}" if self.level == "slice" else ""
            raise UsageError(
                f"score '{self.name}' of case {units.cases[unit]}{place}, class "
                f"'{table.classes[index]}' is {numerators[unit]} / {denominators[unit]}, expected "
                "finite numbers, or 0 / 0 if it is undefined"
            )
        return UnitTerms(numerators, denominators, units.patients)


@dataclass(frozen=True, kw_only=True)
class VolumeScore(Score):
    """A score of a case's masks as a volume; its name is also a column of volumes.csv.

    Its summary is the mean over the cases for which it is defined.

    Attributes:
        compute: its value for one class of one case, a finite number; None if it is undefined.
        level: the unit that has a value.
    """

    compute: Callable[[ClassMasks], float | None]
    level: Literal["volume"] = "volume"

    def unit_terms(self, table: VolumeTable, index: int) -> UnitTerms:
        """The value of each case as a mean's terms, for the class with that index.

        Raises:
            KeyError: the table lacks this score.
        """
        values = table.values[self.name][:, index]
        return UnitTerms(*mean(values, ~np.isnan(values)), table.patients)


def mean(values: Floats, counted: NDArray[np.bool_]) -> Terms:
    """Terms of a mean over the units that are counted."""
    return np.where(counted, values, 0), counted.astype(np.float64)
