"""What must be known before the parser is built, because it decides the parser's defaults."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from lightning_app.config.argv import typed_options
from lightning_app.config.lookup import BASE
from lightning_app.runs.folder import (
    DEFAULT_ROOT,
    Run,
    check_links,
    experiment_of,
    find_runs,
    named_run,
    trained_run,
)
from lightning_app.runs.ranks import externally_launched, shared_run
from lightning_app.runs.resume import requeued_run, run_to_resume
from lightning_app.utils.errors import UsageError

NEWEST = ""  # --resume without a name
_ROOT = "trainer.default_root_dir"


@dataclass(frozen=True)
class RunSelection:
    """What the first look at the command line finds.

    Attributes:
        command: fit, validate, test or predict.
        experiment: stem of the first config.
        root: folder of the runs.
        run: the run that the command is about; None for a new training, and when only help is asked
            for.
    """

    command: str
    experiment: str
    root: Path
    run: Run | None


def select_run(arguments: list[str]) -> RunSelection:
    """Read the options that decide the defaults.

    Raises:
        UsageError: there is no such run, or a link leads out of it.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--run")
    parser.add_argument("--resume", nargs="?", const=NEWEST)
    parser.add_argument("--weights")
    parser.add_argument("-c", "--config", action="append", default=[])
    try:
        known, rest = parser.parse_known_args(arguments[1:])
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from None
    named = typed_options(arguments, {_ROOT}).get(_ROOT)
    root = Path(named if named and isinstance(named, str) else DEFAULT_ROOT)
    experiment = experiment_of(known.config[0]) if known.config else BASE.stem
    wants_help = any(word in {"-h", "--help"} or word.startswith("--print_config") for word in rest)
    run = None
    if not wants_help:
        find = _run_to_fit if arguments[0] == "fit" else _run_to_use
        run = find(known, root, experiment)
        if run is not None:
            check_links(run)
    return RunSelection(arguments[0], experiment, root, run)


def _run_to_fit(known: argparse.Namespace, root: Path, experiment: str) -> Run | None:
    """The run to go on with; None for a new one."""
    if known.resume is not None and (run := shared_run()):
        return run
    if known.resume is None:
        return requeued_run(root)
    if known.weights is not None:
        raise UsageError(
            "--resume goes on with a run and --weights begins a new one: expected only one of them"
        )
    if externally_launched():
        if known.resume == NEWEST:
            raise UsageError("processes that are started together need --resume RUN, with a name")
        return named_run(root, known.resume)  # whether it is free is for the first of them to see
    if known.resume == NEWEST:
        return run_to_resume(root, None, experiment if known.config else None)
    return run_to_resume(root, known.resume, None)


def _run_to_use(known: argparse.Namespace, root: Path, experiment: str) -> Run:
    """The trained run to validate, test or predict with."""
    for option in ("resume", "weights"):
        if getattr(known, option) is not None:
            raise UsageError(f"--{option} belongs to fit: the weights of a run are named by --run")
    if run := shared_run():
        return run
    # `test --config aspp_t1c.yaml` means that experiment, not whatever ran last.
    named = experiment if any(run.experiment == experiment for run in find_runs(root)) else None
    return trained_run(root, known.run or named)
