"""How many epochs fit into the minutes that every setting gets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.accuracy.training import Outcome, Training
from lightning_app.utils.json_csv import read_json, write_json

TRIED = 2  # epochs; the first is slower


def epochs_for(training: Training, folder: Path, train: Callable[[Training, int], Outcome]) -> int:
    """The epochs of a training: the same for all folds and seeds of a setting.

    The CPU time of an epoch is measured once for each setting and kept in the folder. It is CPU
    time, not time on the clock, so that it hardly depends on what else the machine does.

    Args:
        training: that will be run.
        folder: of the outcomes.
        train: runs a training for some epochs.
    """
    path = folder / f"{training.setting}-epoch.json"
    if not path.is_file():
        tried = train(replace(training, fold=0, seed=0), TRIED)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, {"seconds": round(tried.seconds[-1], 2)})
    seconds: float = read_json(path)["seconds"]
    return max(1, int(60 * training.minutes * training.how.share / seconds))
