"""Which runs may be compared: runs that were tested on the same slices of the same patients."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

from lightning_app.config.option_policy import is_below
from lightning_app.report.load.display_names import modality_order, network_name, network_order
from lightning_app.report.load.settings import (
    NO_SETTINGS,
    PREDICTION,
    Options,
    Settings,
    in_words,
    is_named,
    settings_of,
    settings_order,
    short_labels,
)
from lightning_app.report.load.tested_run import LeftOut, TestedRun
from lightning_app.runs.records import DataRecord

_NOT_DIFFERING = (*NO_SETTINGS, *PREDICTION, "trainer.accelerator")
_NETWORK = ("model.network", *PREDICTION)


class EntryKey(NamedTuple):
    """What the runs of an entry have in common: everything but the seed."""

    network: str
    modality: str
    settings: Settings


@dataclass(frozen=True)
class Entry:
    """A row of the tables: a network on a modality with its settings, and the runs of all seeds.

    Attributes:
        key: what the runs have in common.
        label: the settings, in words, that tell it from the other entries of its network; empty
            if there are none.
        words: all settings in words, in the order of the key.
        runs: the lowest seed first.
    """

    key: EntryKey
    label: tuple[str, ...]
    words: tuple[str, ...]
    runs: tuple[TestedRun, ...]

    @property
    def network(self) -> str:
        """The class path of the network."""
        return self.key.network

    @property
    def modality(self) -> str:
        """The modality."""
        return self.key.modality

    @property
    def name(self) -> str:
        """The display name, such as "UNet" or "UNet, lr 0.0005, flip"."""
        return ", ".join((network_name(self.network), *self.label))

    @property
    def settings(self) -> str:
        """All settings in words."""
        return ", ".join(self.words)

    @property
    def network_settings(self) -> str:
        """The settings of the network itself, in words."""
        pairs = zip(self.key.settings, self.words, strict=True)
        return ", ".join(word for (option, _), word in pairs if is_below(option, _NETWORK))

    @property
    def in_words(self) -> str:
        """The name in a sentence: "UNet", "UNet with lr 0.0005 and flip", "UNet (mirrored)"."""
        if self.is_joined:
            return f"{network_name(self.network)} ({', '.join(self.label)})"
        *others, last = self.label or ("",)
        settings = " and ".join(filter(None, (", ".join(others), last)))
        return " with ".join(filter(None, (network_name(self.network), settings)))

    @property
    def weights_in_words(self) -> str:
        """The weights in a sentence: "these UNet weights", "these weights of UNet with flip"."""
        return f"these weights of {self.in_words}" if self.label else f"these {self.name} weights"

    @property
    def is_joined(self) -> bool:
        """Whether they are ensembles, or predict on mirrored images."""
        return any(is_named(option) for option, _ in self.key.settings)

    @property
    def is_ensemble(self) -> bool:
        """Whether its runs are ensembles."""
        return self.first.is_ensemble

    @property
    def trainings(self) -> list[TestedRun]:
        """The trainings of all seeds and, in a cross-validation, of all folds."""
        return [training for run in self.runs for training in run.trainings]

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
    """Runs with the same split, target and tested slices; within a modality, of the same data.

    Attributes:
        runs: the runs, in the order of the tables.
        repeated: earlier runs with the options and the seed of one of them.
        others: further runs of the report, from which the settings of the runs tell them apart.
    """

    runs: tuple[TestedRun, ...]
    repeated: tuple[LeftOut, ...]
    others: tuple[TestedRun, ...] = ()

    @property
    def data(self) -> DataRecord:
        """The tested data; the fingerprint is that of the first modality."""
        return self.runs[0].data

    @property
    def trainings(self) -> list[TestedRun]:
        """The trainings behind the runs: in a cross-validation those of all folds."""
        return [training for run in self.runs for training in run.trainings]

    @property
    def folds(self) -> int:
        """The number of folds of a cross-validation; 0 for any other split."""
        return len(self.runs[0].folds)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the target."""
        return self.runs[0].table.classes

    @cached_property
    def entries(self) -> list[Entry]:
        """The networks of each modality with their settings, modality by modality."""
        runs: dict[EntryKey, list[TestedRun]] = {}
        for run, key in zip(self.runs, _keys(self.runs, self.others), strict=True):
            runs.setdefault(key, []).append(run)
        words = in_words(key.settings for key in runs)
        labels = {
            network: short_labels((key.settings for key in runs if key.network == network), words)
            for network in {key.network for key in runs}
        }
        return [
            Entry(
                key,
                labels[key.network][key.settings],
                tuple(words[setting] for setting in key.settings),
                tuple(of_entry),
            )
            for key, of_entry in runs.items()
        ]

    @property
    def has_settings(self) -> bool:
        """Whether runs differ in more than network, modality and seed."""
        return any(entry.settings for entry in self.entries)

    @property
    def modalities(self) -> list[str]:
        """The modalities, in the order of the tables."""
        return list(dict.fromkeys(run.modality for run in self.runs))

    def of(self, modality: str) -> list[Entry]:
        """The entries of a modality."""
        return [entry for entry in self.entries if entry.modality == modality]


def cohorts(runs: Sequence[TestedRun], others: Sequence[TestedRun] = ()) -> list[Cohort]:
    """Sort runs into groups that may be compared within; the largest group comes first.

    Args:
        runs: the newest first; of those with the same options and seed the newest is used.
        others: further runs of the report: what tells a run from them is a setting, too.
    """
    groups: dict[Hashable, list[TestedRun]] = {}
    for run, rank in zip(runs, _data_ranks(runs), strict=True):
        groups.setdefault((_tested_on(run), rank), []).append(run)
    made = [_cohort(of_group, others) for of_group in groups.values()]
    return sorted(made, key=lambda cohort: -len(cohort.runs))


class HasOptions(Protocol):
    """A run whose options are known."""

    @property
    def options(self) -> Options:
        """Every option of the training as text, by its dotted name."""


def differing_settings(runs: Iterable[HasOptions]) -> dict[str, list[str]]:
    """Options of the training that differ between the runs that have them, with their values.

    Left out are network, modality and seed, which a grid varies; options without effect on what is
    learned; and options that decide data and split, which are the same within a cohort.
    """
    values: dict[str, set[str]] = {}
    for run in runs:
        for option, value in run.options.items():
            values.setdefault(option, set()).add(value)
    return {
        option: sorted(different)
        for option, different in values.items()
        if len(different) > 1
        and not is_below(option, (*NO_SETTINGS, *PREDICTION, "trainer.accelerator"))
    }


def _keys(runs: Sequence[TestedRun], others: Sequence[TestedRun]) -> list[EntryKey]:
    settings = settings_of([run.options for run in (*runs, *others)])
    return [
        EntryKey(run.network, run.modality, of_run)
        for run, of_run in zip(runs, settings, strict=False)
    ]


def _cohort(runs: Sequence[TestedRun], others: Sequence[TestedRun]) -> Cohort:
    """The cohort of some runs, the newest first."""
    newest: dict[tuple[EntryKey, int], TestedRun] = {}
    repeated: list[LeftOut] = []
    for run, key in zip(runs, _keys(runs, others), strict=True):
        used = newest.setdefault((key, run.seed), run)
        if used is not run:
            reason = f"{used.name} is newer, with the same network, modality, options and seed"
            repeated.append(LeftOut(run.name, reason))
    ordered = sorted(newest, key=_order)
    return Cohort(tuple(newest[place] for place in ordered), tuple(repeated), tuple(others))


def _tested_on(run: TestedRun) -> Hashable:
    """What must be the same for all modalities of a cohort."""
    data, table = run.data, run.table
    slices = tuple(zip(table.cases, table.patients, table.slices, strict=True))
    return (
        data.kind,
        data.split,
        data.target,
        str(data.eval_slices),
        table.classes,
        slices,
    )


def _data_ranks(runs: Sequence[TestedRun]) -> list[int]:
    """For each run the rank of its tested data in its modality: 0 for those of the most networks.

    A fingerprint covers the modality, so it cannot be compared between modalities.
    """
    places = [(_tested_on(run), run.modality) for run in runs]
    tested = _tested_fingerprints(runs)
    networks: dict[Hashable, dict[str, set[tuple[str, int]]]] = {}
    for run, place, fingerprint in zip(runs, places, tested, strict=True):
        by_data = networks.setdefault(place, {})
        by_data.setdefault(fingerprint, set()).add((run.network, run.seed))
    ranked = {
        place: sorted(by_data, key=lambda fingerprint: -len(by_data[fingerprint]))
        for place, by_data in networks.items()
    }
    return [ranked[place].index(f) for place, f in zip(places, tested, strict=True)]


def _tested_fingerprints(runs: Sequence[TestedRun]) -> list[str]:
    """For each run the fingerprint of the slices that it was tested on.

    An earlier version recorded one for the slices of training and test together. Then it is taken
    from another run with the same, if there is one.
    """
    known = {run.data.fingerprint: f for run in runs if (f := run.data.eval_fingerprint)}
    return [known.get(run.data.fingerprint, run.data.fingerprint) for run in runs]


def _order(place: tuple[EntryKey, int]) -> tuple[object, ...]:
    key, seed = place
    return (
        modality_order(key.modality), network_order(key.network), settings_order(key.settings), seed
    )  # fmt: skip
