"""Which run a training goes on with, and what it may not change of it."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from lightning_app.config.diff import additions, at, changes
from lightning_app.runs.folder import Run, find_runs, named_run, run_config
from lightning_app.runs.status import is_alive, is_finished, read_status, slurm_job
from lightning_app.utils.errors import UsageError

# Where and how comfortably a run runs; not what comes out of it.
FREE = (
    "acceleration.fold_batch_norm",
    "data.cache_dir", "data.num_workers", "data.on_bad_case", "data.on_device", "data.root",
    "data.split_file",
    "finite_loss", "last_checkpoint", "metrics_csv", "timing", "training_picture",
    "trainer.callbacks", "trainer.default_root_dir", "trainer.enable_model_summary",
    "trainer.enable_progress_bar", "trainer.log_every_n_steps", "trainer.logger",
    "trainer.max_time", "trainer.num_sanity_val_steps", "trainer.plugins", "trainer.profiler",
    "wandb_media",
)  # fmt: skip
# The run stays itself, but another number may come out than without the interruption.
WARNED = {
    "trainer.max_epochs": "the learning rate keeps the cycle that it was begun with",
    "trainer.max_steps": "the learning rate keeps the cycle that it was begun with",
    "trainer.accelerator": "the weights will not be bit-identical",
    "trainer.devices": "the weights will not be bit-identical",
    "trainer.num_nodes": "the weights will not be bit-identical",
    "trainer.strategy": "the weights will not be bit-identical",
    "trainer.precision": "the weights will not be bit-identical",
    "acceleration": "the weights will not be bit-identical",
    "trainer.deterministic": "the weights may not be bit-identical",
    "trainer.benchmark": "the weights may not be bit-identical",
}


def run_to_resume(root: Path, name: str | None, experiment: str | None) -> Run:
    """The run that ``--resume`` means.

    Args:
        root: where the runs are.
        name: a run; None for the newest that is neither finished nor alive.
        experiment: whose newest, where none is named; None for any.

    Raises:
        UsageError: there is none, or another process trains it.
    """
    if name is not None:
        run = named_run(root, name)
        if is_alive(run):
            owner = read_status(run)
            raise UsageError(
                f"run '{run.path}' is being trained by process {owner.get('pid')} on "
                f"{owner.get('host')}: stop that one first, or wait for it"
            )
        return run
    for run in find_runs(root):
        of_experiment = experiment is None or run.experiment == experiment
        if of_experiment and run.config.is_file() and not is_finished(run) and not is_alive(run):
            return run
    whose = f"of experiment '{experiment}' " if experiment else ""
    raise UsageError(
        f"no unfinished run {whose}below '{root}': nothing to go on with; without --resume a new "
        "run is begun"
    )


def requeued_run(root: Path) -> Run | None:
    """The unfinished run that this SLURM job began before it was put back into the queue."""
    if int(os.environ.get("SLURM_RESTART_COUNT") or 0) == 0:
        return None
    for run in find_runs(root):
        if read_status(run).get("job") == slurm_job() and not is_finished(run):
            return run
    return None


def keep_going(config: Namespace, run: Run, parser: ArgumentParser) -> list[str]:
    """Hold a config, and the parser that it is from, to the run that goes on with it.

    Returns:
        A warning for each option that may change but not without a trace.

    Raises:
        UsageError: an option that would make it another run.
    """
    warnings = []
    saved = run_config(run)
    changed = changes(saved, config) | additions(saved, config, parser)
    for option, (own, asked) in changed.items():
        if is_below(option, FREE):
            continue
        if not is_below(option, WARNED):
            raise UsageError(
                f"{option} is {asked}, but run '{run.path}' was begun with {own}: a resumed run "
                "keeps it; for another value begin a new run, from these weights with "
                f"--weights {run.path}"
            )
        reason = next(WARNED[name] for name in WARNED if is_below(option, (name,)))
        warnings.append(f"{option} is {asked} and was {own}: {reason}")
    return warnings


def keep_cycle(config: Namespace, run: Run) -> None:
    """Write out the schedule's cycle where it followed from a length that has changed."""
    own = run_config(run)
    epochs = at(own, "trainer.max_epochs")
    scheduler = config.get("lr_scheduler")
    follows = scheduler and "T_0" in scheduler.init_args and scheduler.init_args.T_0 is None
    if follows and config.trainer.max_epochs != epochs:
        scheduler.init_args.T_0 = epochs


def check_something_left(saved: dict[str, Any], max_epochs: int | None, run: Run) -> None:
    """Refuse to go on with a finished run that has all its epochs.

    One that was killed after its last checkpoint has them too; resuming it only says so.

    Raises:
        UsageError: nothing is left to train.
    """
    done = saved["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    if is_finished(run) and max_epochs is not None and 0 <= max_epochs <= done:
        raise UsageError(
            f"run '{run.path}' has its {done} epochs: for more of them say "
            f"--trainer.max_epochs, which is {max_epochs}; to begin anew from its weights say "
            f"--weights {run.path}"
        )


def is_below(option: str, names: Collection[str]) -> bool:
    """Whether a dotted option is one of some names, or below one."""
    return any(option == name or option.startswith(f"{name}.") for name in names)
