"""Table 1 in the layout of the paper: a row for each network, columns for each modality."""

from collections.abc import Mapping

from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name, network_name, network_order
from lightning_app.report.load.paper_grid import OF_PAPER, paper_rows
from lightning_app.report.load.paper_values import NOTHING_PRINTED, PRINTED
from lightning_app.report.load.settings import Settings, settings_order
from lightning_app.report.tables.entry_columns import network_cells, network_columns
from lightning_app.report.tables.score_tables import (
    PREDICTING_NOTHING,
    TABLE_1_SCORES,
    percentage,
    printed,
    table_1,
)
from lightning_app.report.tables.table import Cell, Column, Table, fixed
from lightning_app.utils.text import low_to_high

_PAPER_NOTE = (
    "Rows '(paper)' hold the paper's figures, as far as our copy is legible, for orientation: a "
    "difference between them and ours is not a finding."
)

_ByModality = Mapping[str, Entry]


def paper_table(cohort: Cohort) -> Table:
    """DSC, two readings of mIoU, and accuracy of each network, modalities beside each other."""
    long = table_1(cohort)
    columns = [
        Column("target", "Target"), *network_columns(cohort), Column("seeds", "Seeds", fixed(0)),
        *(
            Column(f"{modality}_{key}", title, group=modality_name(modality))
            for modality in cohort.modalities
            for key, title, _ in TABLE_1_SCORES
        ),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for index in range(len(cohort.classes)):
        for network, variants in _by_network(cohort).items():
            rows += [_row(cohort, index, entries) for entries in variants]
            paper = _row_of_paper(cohort, index, network)
            rows += [paper] if any(isinstance(cell, float) for cell in paper) else []
        rows.append(_row_of_nothing(cohort, index))
    has_paper = any(str(row[1]).endswith(OF_PAPER) for row in rows)
    notes = [*long.notes, *([_PAPER_NOTE] if has_paper else [])]
    return Table(long.name, long.title, columns, rows, notes, ["Scores in %."], long=long)


def _by_network(cohort: Cohort) -> dict[str, list[_ByModality]]:
    """The networks, and of each its entries with the same settings, by modality."""
    networks = {row.network for row in paper_rows(cohort)}
    entries: dict[str, dict[Settings, dict[str, Entry]]] = {
        network: {} for network in sorted(networks, key=network_order)
    }
    for entry in cohort.entries:
        entries[entry.network].setdefault(entry.key.settings, {})[entry.modality] = entry
    return {
        network: [variants[settings] for settings in sorted(variants, key=settings_order)]
        for network, variants in entries.items()
    }


def _row(cohort: Cohort, index: int, entries: _ByModality) -> list[Cell]:
    seeds = [len(entry.runs) for entry in entries.values()]
    row = [cohort.classes[index], *network_cells(cohort, next(iter(entries.values())))]
    row.append(low_to_high(seeds) if len(set(seeds)) > 1 else seeds[0])
    for modality in cohort.modalities:
        entry = entries.get(modality)
        row += [percentage(entry, index, s) if entry else None for _, _, s in TABLE_1_SCORES]
    return row


def _row_of_paper(cohort: Cohort, index: int, network: str) -> list[Cell]:
    target = cohort.classes[index]
    row: list[Cell] = [target, *network_cells(cohort, network_name(network) + OF_PAPER), None]
    for modality in cohort.modalities:
        figures = PRINTED.get((network, modality), NOTHING_PRINTED)
        row += [printed(figures, target, key) for key, _, _ in TABLE_1_SCORES]
    return row


def _row_of_nothing(cohort: Cohort, index: int) -> list[Cell]:
    target = cohort.classes[index]
    row: list[Cell] = [target, *network_cells(cohort, PREDICTING_NOTHING), None]
    for modality in cohort.modalities:
        share = cohort.of(modality)[0].first.test.accuracy_of_nothing[target]
        row += [100 * share if key == "accuracy" else None for key, _, _ in TABLE_1_SCORES]
    return row
