"""The columns that say which network a row is about, and with which settings."""

from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import network_name
from lightning_app.report.tables.table import Cell, Column

_SETTINGS_NOTE = (
    "Settings are the options in which the runs differ. In figures and comparisons a row is named "
    "by its network and, of its settings, only those that tell it from the network's other rows: a "
    "difference may come from any of them."
)


def network_columns(cohort: Cohort) -> list[Column]:
    """The network, and the settings if there are any."""
    settings = [Column("settings", "Settings")] if cohort.has_settings else []
    return [Column("network", "Network"), *settings]


def network_cells(cohort: Cohort, row: Entry | str) -> list[Cell]:
    """The cells of these columns.

    Args:
        cohort: of the table.
        row: an entry, or the name of a row without one.
    """
    name, settings = (
        (row, "") if isinstance(row, str) else (network_name(row.network), row.settings)
    )
    return [name, settings] if cohort.has_settings else [name]


def settings_notes(cohort: Cohort) -> list[str]:
    """What settings are; nothing if there are none."""
    return [_SETTINGS_NOTE] if cohort.has_settings else []
