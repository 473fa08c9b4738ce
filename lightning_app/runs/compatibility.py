"""What a command may not change of the run that it resumes or tests."""

from typing import Any

from jsonargparse import ArgumentParser, Namespace

from lightning_app.config.diff import changed_options, get_option, new_options, to_plain
from lightning_app.config.option_policy import DEALING, FIXED, FREE, WARNED, is_below
from lightning_app.runs.folder import Run, run_config
from lightning_app.utils.errors import UsageError


def check_resumable(config: Namespace, run: Run, parser: ArgumentParser) -> list[str]:
    """Hold a config, and the parser that it is from, to the run that goes on with it.

    Returns:
        A warning for each option that may change but not without a trace.

    Raises:
        UsageError: an option that would make it another run.
    """
    warnings = []
    saved = run_config(run)
    changed = changed_options(saved, config) | new_options(saved, config, parser)
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
    epochs = get_option(own, "trainer.max_epochs")
    scheduler = config.get("lr_scheduler")
    follows = scheduler and "T_0" in scheduler.init_args and scheduler.init_args.T_0 is None
    if follows and config.trainer.max_epochs != epochs:
        scheduler.init_args.T_0 = epochs


def check_same_experiment(config: Namespace, run: Run) -> None:
    """Hold a config to what its run was trained on, and take the run's own split.

    Args:
        config: of the command; its split is changed in place.
        run: the trained run.

    Raises:
        UsageError: an option that makes the run's weights mean something else.
        OSError: the run's files are not there.
    """
    own = run_config(run)
    for option in FIXED:
        asked, trained = to_plain(config.get(option)), get_option(own, option)
        if _without_links(asked) != _without_links(trained):
            raise UsageError(
                f"{option} is {_short(asked)}, but {run.path} was trained with {_short(trained)}: "
                "leave the option out, or name another run with --run"
            )
    use_saved_split(config, run)


def use_saved_split(config: Namespace, run: Run) -> None:
    """Take the sides as the run wrote them down, where nothing that decides them was changed."""
    own = run_config(run)
    if all(to_plain(config.get(option)) == get_option(own, option) for option in DEALING):
        config.data.split_file = run.split


def _without_links(value: Any) -> Any:
    """A network without the channels, which follow from the data and are not saved."""
    if not isinstance(value, dict) or "init_args" not in value:
        return value
    kept = {k: v for k, v in (value["init_args"] or {}).items() if not k.endswith("_channels")}
    return {**value, "init_args": kept}


def _short(value: Any) -> str:
    if isinstance(value, dict) and "class_path" in value:
        arguments = _without_links(value)["init_args"]
        return f"{value['class_path']}({', '.join(f'{k}={v}' for k, v in arguments.items())})"
    return str(value)
