"""The tables of runs and of times."""

from collections.abc import Sequence

from data_modules.utils.words import counted
from lightning_app.config.option_policy import is_below
from lightning_app.report.load.cohorts import Cohort, differing_settings
from lightning_app.report.load.display_names import modality_name, network_name
from lightning_app.report.load.paper_grid import paper_rows
from lightning_app.report.load.tested_run import TestedRun
from lightning_app.report.tables.caveats import computation_caveats
from lightning_app.report.tables.entry_columns import network_cells, network_columns
from lightning_app.report.tables.estimates import mean_over_seeds
from lightning_app.report.tables.table import Cell, Column, Table, duration, fixed
from lightning_app.runs.records import EnvironmentRecord

_TIMES_NOTE = (
    "Training: with validation, without preparing the data. Inference: on the whole test split, "
    "from the first read to the last mask."
)
_FOLD_TIMES_NOTE = "Training is that of one fold, a mean; inference is that of all folds together."
_NETWORKS_NOTE = (
    "Multiply-adds of the convolutions and matrix products of one forward pass, by the layers' "
    "definitions. ASPP needs fewer: a branch whose dilation rate reaches the size of the map is "
    "computed as its centre tap."
)
_EPOCHS_NOTE = (
    "Epochs count from 1. The best epoch, which was tested, has the best validation score by "
    "best_checkpoint.monitor."
)
_MIRRORED = " on each image and its three mirror images"
_ENSEMBLE_NOTE = "The training time of an ensemble is that of all its runs."
_SPEED_OPTIONS = ("trainer.precision", "trainer.benchmark", "acceleration")


def table_2(cohort: Cohort) -> Table:
    """Training and inference time, the paper's beside ours."""
    columns = [
        Column("modality", "Modality"), *network_columns(cohort),
        Column("seeds", "Seeds", fixed(0)),
        Column("training_s", "Training", duration),
        Column("training_paper_s", "Training, paper", duration),
        Column("inference_s", "Inference", duration),
        Column("inference_paper_s", "Inference, paper", duration),
        Column("test_images", "Test images", fixed(0)), Column("device", "Device"),
        Column("remark", "Remark on the paper", remark_on="network"),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for row in paper_rows(cohort):
        entry, printed = row.entry, row.printed
        runs = entry.runs if entry else ()
        trainings = entry.trainings if entry else ()
        rows.append([
            modality_name(row.modality), *network_cells(cohort, entry or row.name), len(runs),
            mean_over_seeds([run.training_time.seconds for run in runs]), printed.training,
            mean_over_seeds([run.inference_time.seconds for run in runs]), printed.inference,
            len(entry.first.table.slices) if entry else None,
            ", ".join(_devices(trainings)), printed.remark,
        ])  # fmt: skip
    return Table("table2", "Table 2: times", columns, rows, _time_notes(cohort))


def network_table(cohort: Cohort) -> Table:
    """The sizes of the networks."""
    have_settings = any(entry.network_settings for entry in cohort.entries)
    columns = [
        Column("network", "Network"), *([Column("settings", "Settings")] if have_settings else []),
        Column("parameters", "Parameters", fixed(0)),
        Column("multiply_adds", "Multiply-adds", fixed(0)), Column("image", "Image"),
    ]  # fmt: skip
    rows: dict[tuple[Cell, ...], None] = dict.fromkeys(
        (
            network_name(entry.network), *([entry.network_settings] if have_settings else []),
            run.size.parameters, run.size.multiply_adds,
            "{} x {}".format(*run.size.image_size),
        )
        for entry in cohort.entries
        for run in entry.trainings  # windows may differ between folds
    )  # fmt: skip
    return Table("networks", "Networks", columns, list(rows), [_NETWORKS_NOTE])


def run_table(cohort: Cohort) -> Table:
    """The run behind every figure."""
    titles = (
        "Run", *(column.title for column in network_columns(cohort)), "Modality",
        "Seed", *(["Fold"] if cohort.folds else []), "Epochs", "Best epoch", "Fingerprint", "Split",
        "Device", "Python", "torch", "lightning", "Commit", "Tested with",
    )  # fmt: skip
    columns = [Column(t.lower().replace(" ", "_"), t, fixed(0)) for t in titles]
    rows = [
        [
            run.name, *network_cells(cohort, entry), modality_name(run.modality),
            _seed(run), *([run.fold.number] if run.fold else []),
            len(run.history) or None, _best_epoch(run), run.data.fingerprint, run.data.split,
            *_environment_cells(run.environment), run.test.computed_with,
        ]
        for entry in cohort.entries
        for run in entry.trainings
    ]  # fmt: skip
    return Table("runs", "Runs", columns, rows, [_EPOCHS_NOTE, *_members_notes(cohort)])


def _seed(run: TestedRun) -> int | None:
    """Of a run; a note names the runs of an ensemble."""
    return None if run.is_ensemble else run.seed


def _best_epoch(run: TestedRun) -> int | None:
    """Of a run by itself."""
    return None if run.test.epoch is None else run.test.epoch + 1


def _members_notes(cohort: Cohort) -> list[str]:
    """Whose mean the ensembles and the predictions on mirrored images are."""
    return [
        f"{run.name} is the mean probability of {', '.join(w.name for w in run.weights)}"
        f"{_MIRRORED * run.test.members.is_mirrored}."
        for run in cohort.trainings
        if run.test.members.runs
    ]


def _environment_cells(environment: EnvironmentRecord) -> list[Cell]:
    """Device, Python, torch, lightning, and the commit of the program."""
    commit = environment.commit[:8] + (" and changes" if environment.changed else "")
    versions = (environment.packages.get(name, "") for name in ("torch", "lightning"))
    return [environment.device, environment.python, *versions, commit]


def _devices(runs: Sequence[TestedRun]) -> list[str]:
    devices = {time.device for run in runs for time in (run.training_time, run.inference_time)}
    return sorted(filter(None, devices))


def _time_notes(cohort: Cohort) -> list[str]:
    runs = cohort.trainings
    notes = [
        _TIMES_NOTE,
        *([_FOLD_TIMES_NOTE] if cohort.folds else []),
        *([_ENSEMBLE_NOTE] if any(run.is_ensemble for run in runs) else []),
    ]
    for phase, times in (
        ("training", [run.training_time.seconds for run in runs]),
        ("inference", [run.inference_time.seconds for run in runs]),
    ):
        if missing := sum(seconds is None for seconds in times):
            number = f"{missing} of {counted(len(runs), 'run')}"
            notes.append(f"No {phase} time was measured in {number}.")
    if len(_devices(runs)) > 1:
        notes.append("The times were measured on different devices: do not compare them.")
    differing = [name for name in differing_settings(runs) if is_below(name, _SPEED_OPTIONS)]
    if differing:
        notes.append(
            f"The runs were not trained with the same {' and '.join(differing)}: do not compare "
            "their training times."
        )
    return [*notes, *computation_caveats(cohort)]
