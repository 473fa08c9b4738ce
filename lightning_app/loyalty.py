"""What a test or a prediction may not change of the run that it is about."""

from typing import Any

from jsonargparse import Namespace

from lightning_app.config.diff import at, plain
from lightning_app.runs.folder import Run, run_config
from lightning_app.utils.errors import UsageError

# With other values the weights would still load, and their scores would mean nothing.
FIXED = ("data.modalities", "data.target", "model.network")
# Where none of these is changed, the sides are those that the run wrote down: a case that has since
# come to the folder must not move the others.
DEALING = (
    "data.root", "data.release", "data.phantom", "data.split_sizes", "data.split_seed",
    "data.split_file",
)  # fmt: skip


def keep_to_run(config: Namespace, run: Run) -> None:
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
        asked, trained = plain(config.get(option)), at(own, option)
        if _without_links(asked) != _without_links(trained):
            raise UsageError(
                f"{option} is {_short(asked)}, but {run.path} was trained with {_short(trained)}: "
                "leave the option out, or name another run with --run"
            )
    keep_split(config, run)


def keep_split(config: Namespace, run: Run) -> None:
    """Take the sides as the run wrote them down, where nothing that decides them was changed."""
    own = run_config(run)
    if all(plain(config.get(option)) == at(own, option) for option in DEALING):
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
