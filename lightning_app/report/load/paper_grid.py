"""The paper's experiments beside those that were run."""

from collections.abc import Sequence

from lightning_app.report.load import paper_values as paper
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import (
    MODALITIES,
    NETWORKS,
    modality_name,
    network_name,
)


def grid(cohort: Cohort) -> list[tuple[str, str, Entry | None]]:
    """Modality, network and entry: the paper's four of each modality, whether run or not."""
    entries = {(entry.modality, entry.network): entry for entry in cohort.entries}
    keys: list[tuple[str, str]] = []
    for modality in cohort.modalities:
        papers = [network for network in NETWORKS if (network, modality) in paper.PRINTED]
        own = [entry.network for entry in cohort.of(modality)]
        keys += [(modality, network) for network in dict.fromkeys([*papers, *own])]
    return [(*key, entries.get(key)) for key in keys]


def missing_experiments(cohorts: Sequence[Cohort]) -> list[str]:
    """Those of the paper's twelve that no cohort holds."""
    run = {(entry.network, entry.modality) for cohort in cohorts for entry in cohort.entries}
    return [
        f"{network_name(network)} on {modality_name(modality)}"
        for modality in MODALITIES
        for network in NETWORKS
        if (network, modality) in paper.PRINTED and (network, modality) not in run
    ]
