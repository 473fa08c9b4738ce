"""Selects the run before the parser is built: its config gives the parser's defaults."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_app.config.lookup import BASE, find_config
from lightning_app.ensembles.finished_runs import finished_runs
from lightning_app.ensembles.predictor import MIRROR, Predictor, joined
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

NEWEST = "\0"  # --resume without a name; no argument of a command line can be this
_ROOT = "trainer.default_root_dir"


@dataclass(frozen=True)
class RunSelection:
    """The run that a command is about.

    Attributes:
        root: folder of the runs.
        predictor: the run to create, to resume or to use, perhaps with others.
        is_new: whether the run has no config yet: a new training, or only help is asked for.
        left_out: runs of a named experiment that are not used, each with the reason.
    """

    root: Path
    predictor: Predictor
    is_new: bool
    left_out: Sequence[str] = ()

    @property
    def run(self) -> Run:
        """The run; of several the one that gives the options."""
        return self.predictor.first


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
    if options.name is not None and command == "fit":
        experiment = checked_experiment(options.name)
    selection = None
    if not any(map(_needs_no_run, rest)):
        is_fit = command == "fit"
        selection = (
            _to_fit(options, experiment) if is_fit else _to_use(command, options, experiment)
        )
    if selection is None:
        new = shared_run() or new_run(options.root, experiment or BASE.stem)
        return RunSelection(options.root, Predictor.of_run(new), is_new=True)
    for run in selection.predictor.runs:
        check_links(run)
        run_config(run)  # the parser, which reads it for its defaults, takes any YAML
    return selection


def _needs_no_run(option: str) -> bool:
    """Whether an option prints something and stops, such as --model.network.help models.UNet."""
    name = option.partition("=")[0]
    return name == "--help-all" or name.endswith(".help") or name.startswith("--print_config")


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options that select a run, with ``configs`` and ``root``, and the remaining arguments."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--run", dest="runs", action="append", default=[])
    parser.add_argument("--ensemble")
    parser.add_argument("--tta")
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


def _to_fit(options: argparse.Namespace, experiment: str | None) -> RunSelection | None:
    run = _run_to_fit(options, experiment)
    if run is None:
        return None
    return RunSelection(options.root, Predictor.of_run(run), is_new=False)


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


def _to_use(command: str, options: argparse.Namespace, experiment: str | None) -> RunSelection:
    """The trained runs to validate, test or predict with."""
    _check_options(command, options)
    left_out: Sequence[str] = ()
    is_mirrored, name, of_all = options.tta is not None, options.name, None
    if options.ensemble is not None:
        found = finished_runs(options.root, options.ensemble)
        runs, left_out, of_all = found.runs, found.left_out, found.experiment
    else:
        runs = _named_runs(options, experiment)
    if len(runs) == 1 and not is_mirrored:
        if name is not None:
            raise UsageError(
                "--name names the test of several runs or of mirrored images; that of a run by "
                "itself goes into the run's folder: leave out --name"
            )
        return RunSelection(options.root, Predictor.of_run(runs[0]), is_new=False)
    predictor = joined(runs, options.root, is_mirrored=is_mirrored, name=name, experiment=of_all)
    return RunSelection(options.root, predictor, is_new=False, left_out=left_out)


def _check_options(command: str, options: argparse.Namespace) -> None:
    of_fit = ("resume", "weights") if command == "test" else ("name", "resume", "weights")
    for option in of_fit:
        if getattr(options, option) is not None:
            raise UsageError(f"--{option} is an option of fit: name a run's weights with --run")
    if options.ensemble is not None and options.runs:
        raise UsageError(
            "--ensemble names all runs of an experiment and --run a single run: expected only one "
            "of them"
        )
    if command == "validate" and len(options.runs) > 1:
        raise UsageError(f"--run is given {len(options.runs)} times, expected one run to validate")
    if options.tta not in {None, MIRROR}:
        raise UsageError(f"--tta is '{options.tta}', expected {MIRROR}")


def _named_runs(options: argparse.Namespace, experiment: str | None) -> tuple[Run, ...]:
    first, *others = options.runs or [None]
    runs = [
        shared_run() or _first_run(options.root, first, experiment),
        *(trained_run(options.root, other) for other in others),
    ]
    for index, run in enumerate(runs):
        if run in runs[:index]:
            raise UsageError(f"--run names '{run.path}' twice: expected different runs")
    return tuple(runs)


def _first_run(root: Path, name: str | None, experiment: str | None) -> Run:
    # `test --config aspp_t1c.yaml` means that experiment, not the newest run of all.
    has_runs = any(run.experiment == experiment for run in find_runs(root))
    return trained_run(root, name or (experiment if has_runs else None))
