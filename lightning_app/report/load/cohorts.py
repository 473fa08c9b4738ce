"""Which runs may be compared: runs that were tested on the same slices of the same patients."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from lightning_app.config.option_policy import FREE, is_below
from lightning_app.report.load.display_names import modality_order, network_order
from lightning_app.report.load.runs import TestedRun
from lightning_app.runs.records import DataRecord


@dataclass(frozen=True)
class Entry:
    """A network on a modality, with the runs of all its seeds, the lowest seed first."""

    network: str
    modality: str
    runs: tuple[TestedRun, ...]

    @property
    def first(self) -> TestedRun:
        """The run of the lowest seed."""
        return self.runs[0]

    @property
    def seeds(self) -> list[int]:
        """The seeds, ascending."""
        return [run.seed for run in self.runs]


@dataclass(frozen=True)
class Cohort:
    """Runs with the same split, target, slices and tested patients; within a modality, same data.

    Attributes:
        runs: the runs, in the order of the tables.
    """

    runs: tuple[TestedRun, ...]

    @property
    def data(self) -> DataRecord:
        """The tested data; the fingerprint is that of the first modality."""
        return self.runs[0].data

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the target."""
        return self.runs[0].table.classes

    @cached_property
    def entries(self) -> list[Entry]:
        """The networks of each modality, modality by modality."""
        keys = dict.fromkeys((run.network, run.modality) for run in self.runs)
        return [
            Entry(*key, tuple(run for run in self.runs if (run.network, run.modality) == key))
            for key in keys
        ]

    @property
    def modalities(self) -> list[str]:
        """The modalities, in the order of the tables."""
        return list(dict.fromkeys(run.modality for run in self.runs))

    def of(self, modality: str) -> list[Entry]:
        """The networks of a modality."""
        return [entry for entry in self.entries if entry.modality == modality]


def cohorts(runs: Sequence[TestedRun]) -> list[Cohort]:
    """Sort runs into groups that may be compared within; the largest group comes first."""
    ranks = _fingerprint_ranks(runs)
    groups: dict[Hashable, list[TestedRun]] = {}
    for run in runs:
        groups.setdefault((_tested_on(run), ranks[run.name]), []).append(run)
    found = [Cohort(tuple(sorted(group, key=_order))) for group in groups.values()]
    return sorted(found, key=lambda cohort: -len(cohort.runs))


class HasOptions(Protocol):
    """A run whose options are known."""

    @property
    def options(self) -> Mapping[str, str]:
        """Every option of the training as text, by its dotted name."""


def differing_settings(runs: Iterable[HasOptions]) -> dict[str, list[str]]:
    """Options of the training that differ between the runs that have them, with their values.

    Left out are network, modality and seed, which a grid varies; options that a resumed run may
    change; and options that decide data and split, which are the same within a cohort.
    """
    values: dict[str, set[str]] = {}
    for run in runs:
        for option, value in run.options.items():
            values.setdefault(option, set()).add(value)
    return {
        option: sorted(different)
        for option, different in values.items()
        if len(different) > 1 and not is_below(option, _LEFT_OUT)
    }


_LEFT_OUT = (
    *FREE,
    "seed_everything", "model.network.class_path", "data.modalities",
    "data.phantom", "data.split_seed", "data.split_sizes",
    "trainer.accelerator", "trainer.enable_autolog_hparams", "trainer.enable_checkpointing",
)  # fmt: skip


def _tested_on(run: TestedRun) -> Hashable:
    """What must be the same for all modalities of a cohort."""
    data, table = run.data, run.table
    slices = tuple(zip(table.cases, table.patients, table.slices, strict=True))
    return (
        data.kind,
        data.split,
        data.target,
        str(data.slices),
        str(data.eval_slices),
        table.classes,
        slices,
    )


def _fingerprint_ranks(runs: Sequence[TestedRun]) -> dict[str, int]:
    """For each run the rank of its fingerprint in its modality: 0 for the most common.

    A fingerprint covers the modality, so it cannot be compared between modalities.
    """
    common: dict[Hashable, Counter[str]] = {}
    for run in runs:
        common.setdefault((_tested_on(run), run.modality), Counter())[run.data.fingerprint] += 1
    return {
        run.name: [f for f, _ in common[_tested_on(run), run.modality].most_common()].index(
            run.data.fingerprint
        )
        for run in runs
    }


def _order(run: TestedRun) -> tuple[tuple[int, str], tuple[int, str], int]:
    return modality_order(run.modality), network_order(run.network), run.seed
