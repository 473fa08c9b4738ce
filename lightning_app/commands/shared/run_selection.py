"""Selects the run before the parser is built: its config gives the parser's defaults."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_app.config.lookup import BASE, find_config
from lightning_app.runs.folder import DEFAULT_ROOT, Run, find_runs, new_run, run_config
from lightning_app.runs.lookup import (
    check_links,
    checked_experiment,
    experiment_of,
    named_run,
    requeued_run,
    run_to_resume,
    trained_run,
)
from lightning_app.runs.ranks import externally_launched, shared_run
from lightning_app.utils.errors import UsageError
from lightning_app.utils.yaml_file import get_option, read_yaml

NEWEST = ""  # --resume without a name
_ROOT = "trainer.default_root_dir"


@dataclass(frozen=True)
class RunSelection:
    """The run that a command is about.

    Attributes:
        root: folder of the runs.
        run: to create, to resume or to use.
        is_new: whether the run has no config yet: a new training, or only help is asked for.
    """

    root: Path
    run: Run
    is_new: bool


def select_run(command: str, arguments: list[str]) -> RunSelection:
    """Read the options that select the run.

    Args:
        command: fit, validate, test or predict.
        arguments: its options.

    Raises:
        UsageError: there is no such run, a link leads out of it, or its config is damaged.
    """
    options, rest = _parse(arguments)
    experiment = experiment_of(options.configs[0]) if options.configs else None
    if options.name is not None:
        experiment = checked_experiment(options.name)
    run = None
    if not any(map(_needs_no_run, rest)):
        select = _run_to_fit if command == "fit" else _run_to_use
        run = select(options, experiment)
    if run is None:
        new = shared_run() or new_run(options.root, experiment or BASE.stem)
        return RunSelection(options.root, new, is_new=True)
    check_links(run)
    run_config(run)  # the parser, which reads it for its defaults, takes any YAML
    return RunSelection(options.root, run, is_new=False)


def _needs_no_run(option: str) -> bool:
    """Whether an option prints something and stops, such as --model.network.help models.UNet."""
    name = option.partition("=")[0]
    return name == "--help-all" or name.endswith(".help") or name.startswith("--print_config")


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options that select a run, with ``configs`` and ``root``, and the remaining arguments."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--run")
    parser.add_argument("--name")
    parser.add_argument("--resume", nargs="?", const=NEWEST)
    parser.add_argument("--weights")
    # In one list, because the root that is typed last wins.
    parser.add_argument("-c", "--config", dest="typed", action="append", type=_Config, default=[])
    parser.add_argument(f"--{_ROOT}", dest="typed", action="append")
    try:
        options, rest = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from None
    options.configs = [typed for typed in options.typed if isinstance(typed, _Config)]
    roots = [_root_in(typed) if isinstance(typed, _Config) else typed for typed in options.typed]
    roots = [root for root in roots if isinstance(root, str) and root]
    options.root = Path(roots[-1] if roots else DEFAULT_ROOT)
    return options, rest


class _Config(str):
    """A value of ``--config``."""

    __slots__ = ()


def _root_in(config: str) -> Any:
    """The runs' root in a config. The parser reports a config that cannot be read."""
    try:
        return get_option(read_yaml(find_config(config)), _ROOT)
    except (OSError, ValueError):
        return None


def _run_to_fit(options: argparse.Namespace, experiment: str | None) -> Run | None:
    """The run to resume; None for a new training."""
    if options.resume is None:
        return requeued_run(options.root)
    if run := shared_run():
        return run
    if options.weights is not None:
        raise UsageError(
            "--resume continues a run and --weights starts a new one: expected only one of them"
        )
    if options.resume != NEWEST and options.name is not None:
        raise UsageError("--resume RUN continues a run, which keeps its name: leave out --name")
    if externally_launched():
        if options.resume == NEWEST:
            raise UsageError("processes that are started together need --resume RUN, with a name")
        return named_run(options.root, options.resume)  # rank 0 checks whether it is free
    name = None if options.resume == NEWEST else options.resume
    return run_to_resume(options.root, name, experiment)


def _run_to_use(options: argparse.Namespace, experiment: str | None) -> Run:
    """The trained run to validate, test or predict with."""
    for option in ("name", "resume", "weights"):
        if getattr(options, option) is not None:
            raise UsageError(f"--{option} is an option of fit: name a run's weights with --run")
    if run := shared_run():
        return run
    # `test --config aspp_t1c.yaml` means that experiment, not the newest run of all.
    has_runs = any(run.experiment == experiment for run in find_runs(options.root))
    return trained_run(options.root, options.run or (experiment if has_runs else None))
