"""The order of a list of runs."""

from collections.abc import Callable, Sequence

from lightning_app.listing.listed_run import ListedRun
from lightning_app.listing.settings import Settings

_TEXTS: dict[str, Callable[[ListedRun, Settings], str]] = {
    "name": lambda run, settings: run.name,
    "status": lambda run, settings: run.status,
    "settings": lambda run, settings: settings.unusual(run),
}
_NUMBERS: dict[str, Callable[[ListedRun], float | None]] = {
    "age": lambda run: None if run.started is None else run.started.timestamp(),
    "val/dice": lambda run: run.val_dice,
    "epoch": lambda run: run.best_epoch,
    "test/dice": lambda run: run.test_dice,
    "size": lambda run: run.size,
}
COLUMNS = (*_TEXTS, *_NUMBERS)


def sorted_runs(runs: Sequence[ListedRun], column: str, settings: Settings) -> list[ListedRun]:
    """The runs by a column: the best, the newest and the largest first, texts by the alphabet.

    Runs without a value come last; those with the same one keep their order.
    """
    if column in _TEXTS:
        texts = [_TEXTS[column](run, settings) for run in runs]
        order = sorted(range(len(runs)), key=lambda index: (not texts[index], texts[index]))
    else:
        numbers = [_NUMBERS[column](run) for run in runs]
        order = sorted(
            range(len(runs)), key=lambda index: (numbers[index] is None, -(numbers[index] or 0))
        )
    return [runs[index] for index in order]
