"""What a test or a prediction may not change of the run that it is about."""

from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace

from lightning_app.errors import UsageError
from lightning_app.runs import Run

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
    own: dict[str, Any] = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    for option in FIXED:
        asked, trained = _plain(config.get(option)), _at(own, option)
        if _without_links(asked) != _without_links(trained):
            raise UsageError(
                f"{option} is {_short(asked)}, but {run.path} was trained with {_short(trained)}: "
                "leave the option out, or name another run with --run"
            )
    if all(_plain(config.get(option)) == _at(own, option) for option in DEALING):
        config.data.split_file = run.split


def _at(content: dict[str, Any], option: str) -> Any:  # noqa: ANN401 (any YAML)
    for key in option.split("."):
        content = content.get(key) if isinstance(content, dict) else None  # type: ignore[assignment]
    return content


def _plain(value: Any) -> Any:  # noqa: ANN401 (any option)
    """A value as YAML has it."""
    if isinstance(value, Namespace):
        return {key: _plain(member) for key, member in vars(value).items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value


def _without_links(value: Any) -> Any:  # noqa: ANN401
    """A network without the channels, which follow from the data and are not saved."""
    if not isinstance(value, dict) or "init_args" not in value:
        return value
    kept = {k: v for k, v in (value["init_args"] or {}).items() if not k.endswith("_channels")}
    return {**value, "init_args": kept}


def _short(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict) and "class_path" in value:
        arguments = _without_links(value)["init_args"]
        return f"{value['class_path']}({', '.join(f'{k}={v}' for k, v in arguments.items())})"
    return str(value)
