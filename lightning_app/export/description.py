"""What model.json says of a run, or of several joined."""

from datetime import UTC, datetime
from importlib.metadata import version

from data_modules.brats import BraTSDataModule
from data_modules.catalog.splits import SPLITS
from data_modules.io import brain_mask
from data_modules.io.geometry import ORIENTATION
from data_modules.summary import description
from data_modules.targets import Target
from data_modules.window import STEP
from lightning_app.ensembles.predictor import MIRROR, Predictor
from lightning_app.ensembles.seen_patients import seen_patients
from lightning_app.export.record import (
    ExportedRun,
    ImageRecord,
    LabelRecord,
    ModelRecord,
    OutputRecord,
    TrainingRecord,
)
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.environment import git_state
from lightning_app.runs.folder import Run, run_config
from lightning_app.runs.records import DataRecord, read_environment
from lightning_app.utils.errors import UsageError

_NORMALISATION = (
    "z-score over the brain of each modality by itself, in float32; 0 outside it. The brain is all "
    "that differs from the most frequent value on the borders of the slices or, if that is noise, "
    "what is above Li's threshold; example.py has the rule, and brain its numbers."
)


def identity_of(predictor: Predictor) -> object:
    """What ``ModelRecord.identity`` is for a predictor."""
    tta = MIRROR if predictor.is_mirrored else None
    return sorted(map(_name, predictor.runs)), tta


def describe(
    predictor: Predictor, data: BraTSDataModule, postprocessing: Postprocessing
) -> ModelRecord:
    """The record of a model, but for its licence and its files.

    Args:
        predictor: whose weights are exported.
        data: loaded, of the run or others.
        postprocessing: of its masks.

    Raises:
        RecordError: a record of a run is damaged.
        UsageError: a checkpoint is damaged.
    """
    return ModelRecord(
        runs=[_exported_run(run) for run in predictor.runs],
        tta=MIRROR if predictor.is_mirrored else None,
        images=ImageRecord(
            modalities=list(data.modalities),
            orientation=ORIENTATION,
            image_size=data.cache.size,
            window=data.window.size,
            window_step=STEP,
            brain=brain_mask.NUMBERS,
            normalisation=_NORMALISATION,
        ),
        output=_output(data.target, postprocessing),
        training_data=_training(predictor, data),
        program={"version": version("brats-lightning"), "git": git_state()},
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _name(run: Run) -> str:
    return f"{run.experiment}/{run.path.name}"


def _exported_run(run: Run) -> ExportedRun:
    network = run_config(run)["model"]["network"]["class_path"]
    epoch = read_checkpoint(run.best, memory_map=True).get("epoch")
    if type(epoch) is not int or epoch < 0:
        raise UsageError(f"checkpoint '{run.best}' is damaged: its epoch is {epoch}")
    return ExportedRun(_name(run), network, epoch, read_environment(run.environment).commit)


def _output(target: Target, postprocessing: Postprocessing) -> OutputRecord:
    labels = [
        LabelRecord(value, name, meaning)
        for name, (value, meaning) in zip(target.class_names, target.written, strict=True)
    ]
    return OutputRecord(
        target.name, list(target.class_names), target.exclusive, postprocessing, labels
    )


def _training(predictor: Predictor, data: BraTSDataModule) -> TrainingRecord:
    trained = read_environment(predictor.first.environment).data
    return TrainingRecord(
        name=trained.name,
        kind=trained.kind,
        releases=_releases(predictor.first, trained, data),
        slices=trained.slices,
        patients=len(set().union(*(seen_patients(run).ids for run in predictor.runs))),
        spacing=trained.spacing,
    )


def _releases(run: Run, trained: DataRecord, data: BraTSDataModule) -> list[str]:
    """The releases of the training's cases, if the config or the data tell."""
    named = str(run_config(run)["data"].get("release", "auto"))
    if named != "auto":
        return [named]
    if trained.fingerprint != DataRecord.of(description(data)).fingerprint:
        return []
    return sorted({case.release.name for split in SPLITS for case in data.splits[split]})
