"""The part of the page about one group of comparable tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lightning_app.report.load.cohorts import Cohort
from lightning_app.report.tables.table import Table


@dataclass(frozen=True)
class Picture:
    """A figure on the page.

    Attributes:
        name: of its files.
        title: above the figure.
        notes: below the figure.
        png: its bytes.
    """

    name: str
    title: str
    notes: Sequence[str]
    png: bytes


@dataclass(frozen=True)
class Part:
    """The part of the page about one cohort."""

    cohort: Cohort
    title: str
    tables: Sequence[Table]
    pictures: Sequence[Picture]
    galleries: Sequence[dict[str, Any]]
