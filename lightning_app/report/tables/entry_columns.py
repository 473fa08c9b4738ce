"""The columns that say which network a row is about, and with which settings."""

from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import network_name
from lightning_app.report.tables.table import Cell, Column

_SETTINGS_NOTE = "Settings are the options in which the runs differ."
_SHORT_NOTE = (
    "Figures and comparisons name only the settings that tell the rows of a network apart: a "
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
    """What settings are, and whether names lack some; nothing if there are none."""
    if not cohort.has_settings:
        return []
    is_short = any(len(entry.label) < len(entry.words) for entry in cohort.entries)
    return [_SETTINGS_NOTE, *([_SHORT_NOTE] if is_short else [])]
