"""What a command may not change in a run that it uses, and what it changes on another machine."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from data_modules.cache.slice_cache import DEFAULT_FOLDER
from data_modules.catalog.cases import find_cases
from data_modules.catalog.source import Source, seed_in, source_of
from data_modules.options import most_workers
from data_modules.utils.errors import DataError
from data_modules.utils.words import counted
from data_modules.window import AUTO
from lightning_app.config.diff import changed_options, new_options, to_plain
from lightning_app.config.option_policy import FIXED, FOLDS, FREE, SPLIT, WARNED, is_below
from lightning_app.config.saved_config import without_same_callbacks
from lightning_app.runs.folder import Run, is_file, run_config
from lightning_app.runs.records import read_environment, read_split, trained_window
from lightning_app.runs.status import is_finished
from lightning_app.utils.errors import UsageError
from lightning_app.utils.yaml_file import get_option


def check_resumable(config: Namespace, run: Run, parser: ArgumentParser) -> list[str]:
    """Compare a config with that of the run to resume.

    Args:
        config: the options now.
        run: to resume.
        parser: that has parsed the options.

    Returns:
        A warning for each option whose change may change the results.

    Raises:
        UsageError: an option that would make it another run; or it is finished, and what a longer
            training needs was deleted.
    """
    if is_finished(run) and not is_file(run.last):
        raise UsageError(
            f"run '{run.path}' is finished and has no {run.last.name} any more, so it cannot be "
            f"trained further; to start a new run from its weights give --weights {run.quoted}"
        )
    warnings = []
    saved = run_config(run)
    changes = changed_options(saved, config) | new_options(saved, config, parser)
    changes = without_same_callbacks(changes, saved, parser, config)
    for option, (before, now) in changes.items():
        if is_below(option, FREE):
            continue
        if not is_below(option, WARNED):
            raise UsageError(
                f"{option} is {now}, but run '{run.path}' was started with {before}, which a "
                "resumed run keeps; for another value start a new run, from these weights with "
                f"--weights {run.quoted}"
            )
        reason = next(WARNED[name] for name in WARNED if is_below(option, (name,)))
        warnings.append(f"{option} is {now} and was {before}: {reason}")
    return warnings


def add_callbacks_once(config: Namespace) -> None:
    """Remove callbacks that a config adds to those of a run that was started with it."""
    callbacks = config.trainer.callbacks
    if isinstance(callbacks, list):
        config.trainer.callbacks = [
            added for index, added in enumerate(callbacks) if added not in callbacks[:index]
        ]


def check_something_left(
    checkpoint: dict[str, Any], max_epochs: int | None, max_steps: int, run: Run
) -> None:
    """Refuse to resume a finished run that has all its epochs, or all its steps.

    A run that was killed after its last checkpoint has them too; it may be resumed, which only
    marks it as finished.

    Raises:
        UsageError: nothing is left to train.
    """
    steps = checkpoint["global_step"]
    if is_finished(run) and 0 <= max_steps <= steps:
        raise UsageError(
            f"run '{run.path}' has its {counted(steps, 'step')}: for more give "
            f"--trainer.max_steps, which is {max_steps}; -1 is no limit"
        )
    done = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    if is_finished(run) and max_epochs is not None and 0 <= max_epochs <= done:
        raise UsageError(
            f"run '{run.path}' has its {counted(done, 'epoch')}: for more give "
            f"--trainer.max_epochs, which is {max_epochs}; to start a new run from its weights "
            f"give --weights {run.quoted}"
        )


def keep_cycle(config: Namespace, run: Run) -> None:
    """Write the schedule's cycle into a config if it followed from another length of training."""
    epochs = get_option(run_config(run), "trainer.max_epochs")
    scheduler = config.get("lr_scheduler")
    follows = scheduler and "T_0" in scheduler.init_args and scheduler.init_args.T_0 is None
    if follows and config.trainer.max_epochs != epochs:
        scheduler.init_args.T_0 = epochs


def check_same_experiment(config: Namespace, run: Run) -> None:
    """Compare a config with what a run was trained on.

    Raises:
        UsageError: an option that makes the run's weights mean something else.
        OSError: the run's config is not there.
    """
    saved = run_config(run)
    for option in FIXED:
        now, trained = to_plain(config.get(option)), get_option(saved, option)
        if _without_channels(now) != _without_channels(trained):
            raise UsageError(
                f"{option} is {in_words(now)}, but {run.path} was trained with "
                f"{in_words(trained)}: leave the option out, or name another run with --run"
            )


def use_saved_split(config: Namespace, run: Run) -> None:
    """Read the split from the run, unless an option that decides it was changed.

    Data in another folder are those of the run if they have all cases of its split. A split file
    and the folds of the run say nothing about other data, nor do its folds about other sizes.
    """
    saved, data = run_config(run), config.data
    changed = {o for o in SPLIT if to_plain(config.get(o)) != get_option(saved, o)}
    if data.folds is None and get_option(saved, "data.folds") is None:
        changed.discard("data.fold")  # which an earlier version did not save
    is_other = "data.root" in changed and not _has_cases_of(run, data)
    if is_other and "data.split_file" not in changed:
        data.split_file = None
    if (is_other or "data.split_sizes" in changed) and not changed & FOLDS:
        data.folds, data.fold = None, 0
    if not is_other and changed <= {"data.root"}:
        data.split_file = run.split
        data.folds, data.fold = None, 0  # by which the split was made


def use_saved_window(config: Namespace, runs: Sequence[Run]) -> None:
    """Write the largest window of some trainings into a config, whatever its data are.

    Args:
        config: the options. A window of its own stays.
        runs: all with a window, or all without. The options are those of the first.

    Raises:
        UsageError: the window is to be found, but the training did not find one.
        RecordError: environment.json of a run is damaged.
    """
    saved = get_option(run_config(runs[0]), "data.window")
    if config.data.window == AUTO != saved:
        raise UsageError(
            f"data.window is {AUTO}, but run '{runs[0].path}' was trained without it: leave the "
            "option out, or give height and width"
        )
    if to_plain(config.data.window) == saved is not None:
        windows = [trained_window(run.config, run.environment) for run in runs]
        heights, widths = zip(*filter(None, windows), strict=True)
        config.data.window = (max(heights), max(widths))


def _has_cases_of(run: Run, data: Namespace) -> bool:
    """Whether the folder of the data has every case on which the run was trained or tested."""
    try:
        found = find_cases(Path(data.root), data.release)
    except DataError:  # a phantom that is still to be made, or what loading it will complain about
        return False
    source = source_of(case.folder for case in found)
    ids = {case.id for case in found}
    has_all = ids.issuperset(case for case, _, _ in read_split(run.split))
    return has_all and source.shares_patients_with(source_of_training(run))


def source_of_training(run: Run) -> Source:
    """Where the patients of a run come from. Earlier versions did not record a phantom's seed.

    Raises:
        RecordError: environment.json or config.yaml is damaged.
        OSError: it is not there.
    """
    data = read_environment(run.environment).data
    if not data.source.is_phantom or data.source.seed is not None:
        return data.source
    if data.root is not None:
        return replace(data.source, seed=seed_in(Path(data.root)))
    return replace(data.source, seed=str(get_option(run_config(run), "data.phantom.seed")))


def use_own_cache(config: Namespace, run: Run) -> str | None:
    """Use the default cache if the run's is that of another machine.

    Returns:
        A line for the user; None if the run's can be used, or the user has chosen another.
    """
    folder, default = config.data.cache_dir, DEFAULT_FOLDER.absolute()
    is_saved = to_plain(folder) == get_option(run_config(run), "data.cache_dir")
    if not is_saved or folder == default or _can_be_written(folder):
        return None
    config.data.cache_dir = default
    return (
        f"data.cache_dir is '{folder}' in '{run.config}', which cannot be written on this machine: "
        f"'{default}' is used"
    )


def _can_be_written(folder: Path) -> bool:
    """Whether a folder, or a new folder in the folder above it, can be written."""
    written = folder if os.access(folder, os.F_OK) else folder.parent
    return os.access(written, os.W_OK | os.X_OK)


def lower_workers(config: Namespace, run: Run) -> str | None:
    """Lower the workers of a run that was started on a larger machine to what this one can have.

    Returns:
        A line for the user; None if there are not too many, or the user has chosen the number.
    """
    saved, most = get_option(run_config(run), "data.num_workers"), most_workers()
    if config.data.num_workers != saved or not isinstance(saved, int) or saved <= most:
        return None
    config.data.num_workers = most
    return f"data.num_workers is {saved} in '{run.config}': {most} are used on this machine"


def in_words(value: Any) -> str:
    """The value of an option for a message; a class with its arguments but for the channels."""
    if isinstance(value, dict) and "class_path" in value:
        arguments = _without_channels(value)["init_args"]
        return f"{value['class_path']}({', '.join(f'{k}={v}' for k, v in arguments.items())})"
    return str(value)


def _without_channels(value: Any) -> Any:
    """A network without its channels, which follow from the data and are not saved."""
    if not isinstance(value, dict) or "init_args" not in value:
        return value
    kept = {k: v for k, v in (value["init_args"] or {}).items() if not k.endswith("_channels")}
    return {**value, "init_args": kept}
