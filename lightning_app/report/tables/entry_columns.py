"""The columns that say what a row is about, and the notes that tables of scores share."""

from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name, network_name
from lightning_app.report.tables.caveats import computation_caveats, seed_notes
from lightning_app.report.tables.table import Cell, Column, fixed

TARGET_COLUMN = Column("target", "Target")
CLASS_COLUMNS = (Column("modality", "Modality"), TARGET_COLUMN)

_SETTINGS_NOTE = "Settings are the options in which the runs differ."
_SHORT_NOTE = (
    "Figures and comparisons name only the settings that tell the rows of a network apart: a "
    "difference may come from any of them."
)


def entry_columns(cohort: Cohort) -> list[Column]:
    """Modality, class, network, settings if there are any, and number of seeds."""
    return [*CLASS_COLUMNS, *network_columns(cohort), Column("seeds", "Seeds", fixed(0))]


def entry_cells(cohort: Cohort, modality: str, target: str, row: Entry | str) -> list[Cell]:
    """The cells of an entry, or of a row with a name that has none."""
    seeds = 0 if isinstance(row, str) else len(row.runs)
    return [modality_name(modality), target, *network_cells(cohort, row), seeds]


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


def score_notes(cohort: Cohort) -> list[str]:
    """What the cells of a table of scores hold, and why some have no interval."""
    patients = len(set(cohort.runs[0].table.patients))
    has_intervals = patients >= FEWEST_PATIENTS
    interval = (
        f"A score has no interval if it is defined for fewer than {FEWEST_PATIENTS} patients, or "
        "if it is the same for all patients and either pooled or an amount without an upper bound."
        if has_intervals
        else f"No intervals: they need at least {FEWEST_PATIENTS} patients, not {patients}."
    )
    return [
        *_what_cells_hold(cohort, has_intervals=has_intervals), interval,
        *settings_notes(cohort), *computation_caveats(cohort), *seed_notes(cohort),
    ]  # fmt: skip


def _what_cells_hold(cohort: Cohort, *, has_intervals: bool) -> list[str]:
    """A sentence, unless the cells hold nothing but values."""
    has_seeds = any(len(entry.runs) > 1 for entry in cohort.entries)
    if not (has_seeds or has_intervals):
        return []
    value = "mean ± standard deviation over seeds" if has_seeds else "value"
    return [f"Cells hold: {value}{' [95 % interval over patients]' if has_intervals else ''}."]
