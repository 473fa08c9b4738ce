"""The trainings of ``reproduce``, and the existing runs that already hold them."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from callbacks.native_precision import native_precision
from data_modules.summary import description
from lightning_app.commands.shared.data_cli import DataCLI
from lightning_app.config.diff import changed_options, new_options
from lightning_app.config.import_allowlist import typed_trust
from lightning_app.config.lookup import PAPER_EXPERIMENTS, find_config
from lightning_app.config.option_policy import FREE, HARDWARE, is_below
from lightning_app.config.saved_config import without_same_callbacks
from lightning_app.runs.folder import Run, find_runs, run_config
from lightning_app.runs.lookup import experiment_of
from lightning_app.runs.record_values import RecordError
from lightning_app.runs.records import DataRecord, read_environment
from lightning_app.runs.status import ended_by, is_finished
from lightning_app.utils.errors import UsageError
from lightning_app.utils.yaml_file import get_option

_PRECISION = "trainer.precision"


@dataclass(frozen=True)
class Cell:
    """An experiment with a seed and, in a cross-validation, a fold.

    Attributes:
        config: of the experiment: a bare name or a path.
        seed: of weights, shuffling and flips.
        options: overlays and flags that the user typed.
        folds: number of folds; None for a split as the options say.
        fold: the one that is tested, from 0.
    """

    config: str
    seed: int
    options: tuple[str, ...]
    folds: int | None = None
    fold: int = 0

    @property
    def experiment(self) -> str:
        """The name of the experiment, such as aspp_t1c."""
        return experiment_of(self.config)

    @property
    def name(self) -> str:
        """The name of its runs: the experiment, with the fold if there are folds."""
        return self.experiment if self.folds is None else f"{self.experiment}_fold{self.fold}"

    @property
    def naming(self) -> list[str]:
        """The options of a new ``fit`` that name its run."""
        return [] if self.folds is None else ["--name", self.name]

    @property
    def arguments(self) -> list[str]:
        """The options of its ``fit``."""
        seed = ["--seed_everything", str(self.seed)]
        return ["--config", self.config, *self.options, *seed, *self._folds]

    @property
    def _folds(self) -> list[str]:
        if self.folds is None:
            return []
        # A config such as quick.yaml may have sizes, which folds take the place of.
        sizes = ["--data.split_sizes", "null"]
        return [*sizes, "--data.folds", str(self.folds), "--data.fold", str(self.fold)]

    @property
    def trust(self) -> list[str]:
        """The options of its ``fit`` that its ``test`` needs too."""
        return [word for name in typed_trust(self.options) for word in ("--trust", name)]

    def __str__(self) -> str:
        fold = "" if self.folds is None else f", fold {self.fold} of {self.folds}"
        return f"{self.experiment}, seed {self.seed}{fold}"


def cells(
    experiments: Sequence[str], seeds: int, options: Sequence[str], folds: int | None = None
) -> list[Cell]:
    """All experiments with the first seed, then with the next, so that a full grid comes early.

    The folds of an experiment follow each other: a report shows those that are complete.

    Args:
        experiments: bare names of configs or paths; the twelve of the paper if there are none.
        seeds: how many.
        options: of every training.
        folds: how many; None for a split as the options say.

    Raises:
        UsageError: an experiment does not exist, or two have the same name.
    """
    configs: dict[str, str] = {}
    for name in experiments or PAPER_EXPERIMENTS:
        try:
            path = find_config(name, "--experiment")
        except ValueError as error:
            raise UsageError(str(error)) from None
        config = str(path) if Path(name).is_file() else path.name
        other = configs.setdefault(experiment_of(config), config)
        if other != config:
            raise UsageError(
                f"--experiment '{other}' and '{config}' have the same name, under which their "
                "runs are found: rename a file"
            )
    return [
        Cell(config, seed, tuple(options), folds, fold)
        for seed in range(seeds)
        for config in configs.values()
        for fold in range(folds or 1)
    ]


class WantedRun(DataCLI):
    """What the run of a cell must be: its resolved config and its data, which are prepared here.

    Args:
        cell: the cell.

    Attributes:
        unreadable: runs that ``find`` could not read, and why.

    Raises:
        DataError: the data cannot be used.
    """

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell.arguments, "reproduce")
        self.cell = cell
        self.unreadable: dict[Path, str] = {}
        self.datamodule.prepare_data()
        self.data = description(self.datamodule)

    @property
    def root(self) -> Path:
        """Folder of the runs."""
        return Path(self.config.trainer.default_root_dir)

    def find(self) -> Run | None:
        """The newest finished run that matches, else the newest; None if there is none.

        A run matches if its data and split are the same, and its config up to paths, hardware,
        workers and logging. One that trainer.max_time ended early also needs the same limit.
        """
        runs = [run for run in find_runs(self.root) if self._matches(run)]
        return next((run for run in runs if is_finished(run)), runs[0] if runs else None)

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Lock the cell, unless another process has; yields whether it is locked here.

        The other process may train it with another config: then waiting for it costs only time.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / f".{self.cell.name}-{self.cell.seed}.lock")
        try:
            held = lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        with held:
            yield True

    def _matches(self, run: Run) -> bool:
        try:
            return self._is_this(run, read_environment(run.environment).data, run_config(run))
        except FileNotFoundError:
            pass  # just begun, or killed in its first moments
        except RecordError as error:
            self.unreadable[run.path] = error.in_run
        except UsageError as error:
            self.unreadable[run.path] = str(error)
        return False

    def _is_this(self, run: Run, recorded: DataRecord, saved: dict[str, Any]) -> bool:
        changes = changed_options(saved, self.config)
        changes = without_same_callbacks(changes, saved, self.parser, self.config)
        trainer = self.config.trainer
        # A training takes this precision if the device emulates the one in the config.
        native = native_precision(trainer.precision, trainer.accelerator)
        if get_option(saved, _PRECISION) == native:
            changes.pop(_PRECISION, None)
        return (
            (recorded.fingerprint, recorded.split) == (self.data["fingerprint"], self.data["split"])
            and _are_free(changes)
            and ended_by(run, saved) not in changes
            # Last, because it parses a config, which takes 0.1 s a run.
            and _are_free(new_options(saved, self.config, self.parser))
        )


def _are_free(options: Collection[str]) -> bool:
    return all(is_below(option, (*FREE, *HARDWARE)) for option in options)
