"""From the folder of a run or an ensemble to what a list says. Whatever is damaged is a remark."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Generic, TypeVar

from data_modules.utils.disk_usage import disk_usage
from lightning_app.ensembles.folders import find_ensembles
from lightning_app.ensembles.member_record import read_members
from lightning_app.report.load.display_names import run_name
from lightning_app.report.load.settings import options_of
from lightning_app.report.load.tested_run import in_words
from lightning_app.report.load.training import ValidatedEpoch, history
from lightning_app.results.partial_test import is_partial
from lightning_app.runs.folder import (
    START,
    ResultFolder,
    Run,
    find_runs,
    run_config,
    start_of,
)
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.runs.records import read_record
from lightning_app.runs.status import current_status
from lightning_app.utils.text import printable

T = TypeVar("T")
R = TypeVar("R", bound=ResultFolder)


@dataclass(frozen=True)
class ListedRun:
    """A run or an ensemble in a list. What it does not have, or what cannot be read, is None.

    Attributes:
        run: its folder.
        started: when its training was started; when an ensemble was tested.
        status: of its training; of an ensemble what it is, such as "ensemble of 5".
        options: every option of the training as text, by its dotted name.
        best_epoch: by the score that best.ckpt follows, counted from 0; the first of several.
        val_dice: of that epoch.
        test_dice: mean over the classes, as ``val_dice``.
        size: bytes on disk.
        remarks: what cannot be read.
    """

    run: ResultFolder
    started: datetime | None
    status: str
    options: Mapping[str, str]
    best_epoch: int | None
    val_dice: float | None
    test_dice: float | None
    size: int
    remarks: tuple[str, ...]

    @property
    def name(self) -> str:
        """Experiment and folder."""
        return run_name(self.run)


def list_runs(root: Path) -> list[ListedRun]:
    """All runs of a folder, the newest first."""
    return [_listed(run) for run in find_runs(root)]


def list_ensembles(root: Path) -> list[ListedRun]:
    """All ensembles in a root folder, by name."""
    return [_listed_ensemble(ensemble) for ensemble in find_ensembles(root)]


class _Reader(Generic[R]):
    """Reads what there is in a folder, and keeps remarks on what is damaged."""

    def __init__(self, folder: R) -> None:
        self.folder = folder
        self.remarks: list[str] = []

    def __call__(self, reader: Callable[[R], T], *, missing: str | None = None) -> T | None:
        """What a reader finds; None, and a remark, if it finds damage."""
        try:
            return reader(self.folder)
        except FileNotFoundError:
            self.remarks.extend([missing] if missing else [])
        except (OSError, ValueError) as error:
            self.remarks.append(in_words(error))
        return None


def _listed(run: Run) -> ListedRun:
    read = _Reader(run)
    started, status = read(_started), read(_status, missing="there is no status.json")
    options = read(_options, missing="there is no config.yaml")
    best = read(_best_epoch)
    return ListedRun(
        run=run,
        started=started,
        status=status or "unknown",
        options=options or {},
        best_epoch=best.number if best else None,
        val_dice=best.dice if best else None,
        test_dice=read(_test_dice),
        size=disk_usage(run.path),
        remarks=tuple(dict.fromkeys(read.remarks)),  # two readers may read one file
    )


def _listed_ensemble(ensemble: ResultFolder) -> ListedRun:
    read = _Reader(ensemble)
    return ListedRun(
        run=ensemble,
        started=read(_tested),
        status=read(_what_is_joined) or "ensemble",
        options={},
        best_epoch=None,
        val_dice=None,
        test_dice=read(_mean_dice),
        size=disk_usage(ensemble.path),
        remarks=tuple(dict.fromkeys(read.remarks)),
    )


def _tested(ensemble: ResultFolder) -> datetime:
    path = ensemble.test().metrics
    text = Values(read_record(path), path).text("date")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise RecordError(path, f"date is '{text}', expected a date and time") from None


def _what_is_joined(ensemble: ResultFolder) -> str:
    members = read_members(ensemble.test())
    number = len(members.runs)
    words = [f"ensemble of {number}" * (number > 1), "mirrored" * members.is_mirrored]
    return ", ".join(filter(None, words))


def _started(run: Run) -> datetime:
    """When a run was started. Raises ValueError."""
    start = start_of(run)
    try:
        return datetime.strptime(start, START).replace(tzinfo=UTC)
    except ValueError:
        where = f"its name has no date and time: {start}" if start else "its status has no start"
        raise ValueError(where) from None


def _status(run: Run) -> str:
    Values(read_record(run.status), run.status).text("status")
    return printable(current_status(run))


def _options(run: Run) -> dict[str, str]:
    return options_of(run_config(run))


def _best_epoch(run: Run) -> ValidatedEpoch | None:
    return max(history(run), key=lambda epoch: epoch.rating, default=None)


def _test_dice(run: Run) -> float | None:
    """The Dice of the whole test split, as in metrics.json; None if it is undefined."""
    dice = _mean_dice(run)
    return None if is_partial(run) else dice


def _mean_dice(tested: ResultFolder) -> float | None:
    path = tested.test().metrics
    scores = Values(read_record(path), path).values("scores")
    results = [scores.values(name).values("dice") for name in scores.content]
    dice = [result.number("value") for result in results if result.has("value")]
    return fmean(dice) if dice else None
