"""Finds a run by what the user typed: a folder, a name, an experiment, or nothing."""

import difflib
import os
import shlex
from pathlib import Path

from lightning_app.runs.folder import ENSEMBLES, Run, find_runs, is_file, is_run_name, subfolders
from lightning_app.runs.status import is_alive, is_finished, read_status, slurm_job
from lightning_app.utils.errors import UsageError
from lightning_app.utils.text import LONGEST_FILE_NAME, is_file_name

_SHOWN = 3  # names in an error
_TAKEN = ("report", "comparison", ENSEMBLES)  # folders of reports, and of what is no experiment


def experiment_of(config: str) -> str:
    """The experiment that a config defines: its stem or, for the config of a run, the run's.

    Raises:
        UsageError: no folder can have that name.
    """
    path = Path(config).absolute()
    in_run = is_run_name(path.parent.name)
    name = Run(path.parent).experiment if in_run else path.stem
    if name in {"", ".", ".."}:  # the stem of '...yaml' is '..'
        raise UsageError(f"--config '{config}' names the experiment '{name}': rename the file")
    return name


def checked_experiment(name: str) -> str:
    """A name that the user gives to an experiment.

    Raises:
        UsageError: the folder of its runs cannot have that name.
    """
    if not is_file_name(name) or is_run_name(name) or name in _TAKEN:
        raise UsageError(
            f"--name is '{name}', expected a name for a folder of runs, such as unet_slow: up to "
            f"{LONGEST_FILE_NAME} characters, no slash or colon, no sign at the beginning, and "
            f"none of {', '.join(_TAKEN)} nor the name of a run"
        )
    return name


def trained_run(root: Path, name: str | None) -> Run:
    """The run to test or to predict with.

    Args:
        root: folder of the runs.
        name: a run's folder, its name, ``experiment/name``, or an experiment or its folder, which
            stand for its newest run; None for the newest of all. Unless a run's folder is given,
            runs without a checkpoint are ignored.

    Raises:
        UsageError: there is no such run, or it has no checkpoint.
    """
    trained = _trained_in(root)
    if name is not None:
        run = _by_folder(name) or _newest(_trained_in(Path(name)))
        run = run or _match(name, trained) or _match(name, find_runs(root))
        if run is None:
            raise UsageError(
                f"no trained run '{name}' below '{root}'{nearest_names(name, trained)}"
            )
        if not is_file(run.best):
            raise UsageError(
                f"run '{name}' has no checkpoint at {run.best}: it was never trained, or the "
                "checkpoint was not copied"
            )
        return run
    if not trained:
        raise UsageError(
            f"no trained run found below '{root}'{_elsewhere(root)}: train one first, such as "
            "python main.py fit --config unet_t1c.yaml, or name one with --run"
        )
    return trained[0]


def named_run(root: Path, name: str) -> Run:
    """The run with a name, as in ``trained_run``, with or without a checkpoint.

    Raises:
        UsageError: there is no such run.
    """
    runs = _started_in(root)
    run = _by_folder(name) or _newest(_started_in(Path(name))) or _match(name, runs)
    if run is None:
        raise UsageError(f"no run '{name}' below '{root}'{nearest_names(name, runs)}")
    return run


def run_to_resume(root: Path, name: str | None, experiment: str | None) -> Run:
    """The run that ``--resume`` means.

    Args:
        root: folder of the runs.
        name: of a run; None for the newest that is neither finished nor being trained.
        experiment: of the newest run, if no run is named; None for any.

    Raises:
        UsageError: there is no such run, or another process trains it.
    """
    if name is not None:
        run = named_run(root, name)
        if is_alive(run):
            owner = read_status(run)
            raise UsageError(
                f"run '{run.path}' is being trained by process {owner.get('pid')} on "
                f"{owner.get('host')}: stop that process first, or wait for it"
            )
        return run
    for run in find_runs(root):
        is_wanted = experiment is None or run.experiment == experiment
        if is_wanted and is_file(run.config) and not is_finished(run) and not is_alive(run):
            return run
    whose = f"of experiment '{experiment}' " if experiment else ""
    raise UsageError(
        f"no unfinished run {whose}below '{root}'{_elsewhere(root)}: nothing to resume; leave out "
        "--resume to start a new run"
    )


def requeued_run(root: Path) -> Run | None:
    """The unfinished run that this SLURM job started before it was requeued."""
    if int(os.environ.get("SLURM_RESTART_COUNT") or 0) == 0:
        return None
    for run in find_runs(root):
        if read_status(run).get("job") == slurm_job() and not is_finished(run):
            return run
    return None


def check_links(run: Run) -> None:
    """Refuse a run with a link that leads out of its folder, which we would write through.

    Raises:
        UsageError: names the link.
    """
    for path in run.path.iterdir():
        if path.is_symlink() and not path.resolve().is_relative_to(run.path.resolve()):
            raise UsageError(
                f"run '{run.path}': {path.name} is a link to '{path.readlink()}', expected "
                "nothing outside the run's folder: put the file or folder itself there"
            )


def nearest_names(name: str, runs: list[Run]) -> str:
    """The names nearest to one that no run has, else the experiments that there are."""
    experiments = list(dict.fromkeys(run.experiment for run in runs))  # the newest first
    names = {*experiments, *(f"{run.experiment}/{run.path.name}" for run in runs)}
    if near := difflib.get_close_matches(name, sorted(names), n=_SHOWN, cutoff=0.4):
        return f"; nearest: {', '.join(near)}"
    if not experiments:
        return "; there is none"
    more = ", ..." if len(experiments) > _SHOWN else ""
    return f"; there are runs of {', '.join(experiments[:_SHOWN])}{more}"


def _by_folder(name: str) -> Run | None:
    run = Run(Path(name).resolve())
    return run if is_file(run.config) else None


def _started_in(folder: Path) -> list[Run]:
    """The runs with a config in a root or in the folder of an experiment, the newest first."""
    return [run for run in find_runs(folder) if is_file(run.config)]


def _trained_in(folder: Path) -> list[Run]:
    """Those with a checkpoint."""
    return [run for run in find_runs(folder) if is_file(run.best)]


def _newest(runs: list[Run]) -> Run | None:
    return runs[0] if runs else None


def _match(name: str, runs: list[Run]) -> Run | None:
    for run in runs:
        names = (run.experiment, run.path.name, f"{run.experiment}/{run.path.name}")
        if name.rstrip("/") in names:
            return run
    return None


def _elsewhere(root: Path) -> str:
    """That there are runs in a folder of the root which is a root itself, such as runs/sweeps."""
    known = set(find_runs(root))
    deeper = next((f for f in subfolders(root) if not known.issuperset(find_runs(f))), None)
    if deeper is None:
        return ""
    return f", but below '{deeper}' (--trainer.default_root_dir {shlex.quote(str(deeper))})"
