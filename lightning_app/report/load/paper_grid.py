"""The paper's experiments beside those that were run."""

from collections.abc import Sequence

from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name, network_name
from lightning_app.report.load.paper_values import PRINTED


def paper_rows(cohort: Cohort) -> list[tuple[str, str, Entry | None]]:
    """Modality, network and entry; the paper's networks come first, run or not."""
    entries = {(entry.modality, entry.network): entry for entry in cohort.entries}
    keys: list[tuple[str, str]] = []
    for modality in cohort.modalities:
        printed = [network for network, printed_on in PRINTED if printed_on == modality]
        run = [entry.network for entry in cohort.of(modality)]
        keys += [(modality, network) for network in dict.fromkeys([*printed, *run])]
    return [(*key, entries.get(key)) for key in keys]


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
