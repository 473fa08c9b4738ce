"""The trained folds once more, with the post-processing that ``tune`` chooses for each."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.accuracy import recipes
from benchmarks.accuracy.plan import SEEDS
from benchmarks.accuracy.settings import TUNED_FROM
from benchmarks.accuracy.training import FOLDS, Training, read_outcome, write_outcome
from benchmarks.utils.measuring import run_process
from benchmarks.utils.trainings import main_command
from lightning_app.runs.folder import Run


def tune_folds(data: Path, minutes: float, cache: Path, output: Path) -> None:
    """Tune and test what is trained and not tuned yet.

    Args:
        data: folder of the data set.
        minutes: of the trainings.
        cache: with the runs. A setting and seed whose runs are not all in it is left out.
        output: folder of the outcomes.
    """
    for tuned, source in TUNED_FROM.items():
        for seed in range(SEEDS):
            trainings = [Training(data, source, fold, seed, minutes) for fold in range(FOLDS)]
            _tune_setting(tuned, trainings, cache, output)


def _tune_setting(tuned: str, trainings: Sequence[Training], cache: Path, output: Path) -> None:
    runs = [Run(recipes.kept_run(cache, training)) for training in trainings]
    files = [replace(training, setting=tuned).file(output) for training in trainings]
    if all(file.is_file() for file in files) or not all(run.path.is_dir() for run in runs):
        return
    print(f"{trainings[0].data.name}: {tuned}, seed {trainings[0].seed}", flush=True)
    _tune(runs[0].path.parents[1])
    for training, run, file in zip(trainings, runs, files, strict=True):
        raw = read_outcome(training.file(output))
        outcome = replace(raw, cases=recipes.tested_cases(run))
        write_outcome(file, replace(training, setting=tuned), outcome)


def _tune(root: Path) -> None:
    run_process([
        *main_command("tune"), "--ensemble", recipes.EXPERIMENT,
        "--trainer.default_root_dir", str(root), "--trust", recipes.__name__,
    ])  # fmt: skip
