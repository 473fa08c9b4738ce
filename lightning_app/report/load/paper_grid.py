"""The paper's experiments beside those that were run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from lightning_app.config.lookup import BASE
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name, network_name
from lightning_app.report.load.paper_values import (
    NETWORK_ARGUMENTS,
    NOTHING_PRINTED,
    PRINTED,
    Printed,
)
from lightning_app.report.load.settings import is_off, options_of
from lightning_app.utils.yaml_file import read_yaml

OF_PAPER = " (paper)"  # at the end of the name of a row with the paper's figures alone


@dataclass(frozen=True)
class PaperRow:
    """A network on a modality, run or not, beside what the paper prints.

    Attributes:
        modality: the modality.
        network: class path.
        entry: the runs; None if there are none, or if the row has the paper's figures alone.
        printed: the paper's figures; nothing if other runs are nearer to the paper's recipe.
        name: the display name.
    """

    modality: str
    network: str
    entry: Entry | None
    printed: Printed
    name: str


def paper_rows(cohort: Cohort) -> list[PaperRow]:
    """The paper's networks, run or not, and after them all others, modality by modality.

    The paper's figures are beside the runs that are nearest to its recipe; in a row of their own if
    several are equally near.
    """
    rows: list[PaperRow] = []
    for modality in cohort.modalities:
        entries = cohort.of(modality)
        networks = [network for network, printed_on in PRINTED if printed_on == modality]
        networks += [entry.network for entry in entries]
        for network in dict.fromkeys(networks):
            variants = [entry for entry in entries if entry.network == network]
            rows += _rows_of(network, modality, variants)
    return rows


def _rows_of(network: str, modality: str, variants: Sequence[Entry]) -> list[PaperRow]:
    printed = PRINTED.get((network, modality), NOTHING_PRINTED)
    name = network_name(network)
    if not variants:
        return [PaperRow(modality, network, None, printed, name)]
    nearest = nearest_to_paper([entry for entry in variants if not entry.is_joined])
    beside = nearest[0] if len(nearest) == 1 else None
    rows = [
        PaperRow(
            modality, network, entry, printed if entry is beside else NOTHING_PRINTED, entry.name
        )
        for entry in variants
    ]
    if beside is None and printed != NOTHING_PRINTED:
        rows.append(PaperRow(modality, network, None, printed, name + OF_PAPER))
    return rows


def nearest_to_paper(variants: Sequence[Entry]) -> list[Entry]:
    """The entries of a network with the fewest settings that are not those of the paper's recipe.

    Several, if they differ from it in as many settings.
    """
    distances = [_distance(entry) for entry in variants]
    return [
        entry
        for entry, distance in zip(variants, distances, strict=True)
        if distance == min(distances)
    ]


def missing_experiments(cohorts: Sequence[Cohort]) -> list[str]:
    """The paper's experiments that no cohort holds."""
    run = {(entry.network, entry.modality) for cohort in cohorts for entry in cohort.entries}
    missing = [
        (modality, network) for network, modality in PRINTED if (network, modality) not in run
    ]
    order = list(dict.fromkeys(modality for _, modality in PRINTED))
    return [
        f"{network_name(network)} on {modality_name(modality)}"
        for modality, network in sorted(missing, key=lambda pair: order.index(pair[0]))
    ]


def _distance(entry: Entry) -> int:
    recipe = _recipe()
    return sum(
        value != recipe[option] if option in recipe else not is_off(value)
        for option, value in entry.key.settings
    )


@cache
def _recipe() -> Mapping[str, str]:
    """The options of the paper's recipe that are not off."""
    options = options_of(read_yaml(BASE))
    named = {option.removesuffix(".class_path"): value for option, value in options.items()}
    return {**named, **NETWORK_ARGUMENTS}
