"""The cells of the paper's grid, and which run is which cell's."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from filelock import FileLock, Timeout

from data_modules.summary import description
from lightning_app.commands.shared.data_cli import DataCLI
from lightning_app.config.diff import changed_options, new_options
from lightning_app.config.import_allowlist import typed_trust
from lightning_app.config.option_policy import ELSEWHERE, FREE, is_below
from lightning_app.runs.folder import Run, find_runs, run_config
from lightning_app.runs.records import read_environment
from lightning_app.runs.status import is_finished

EXPERIMENTS = tuple(
    f"{network}_{modality}"
    for modality, network in product(
        ("t1c", "t2f", "t2w"), ("unet", "attention_unet", "spp", "aspp")
    )
)


@dataclass(frozen=True)
class Cell:
    """One experiment with one seed.

    Attributes:
        experiment: such as aspp_t1c.
        seed: of weights, shuffling and flips.
        options: what the user typed besides, overlays and flags.
    """

    experiment: str
    seed: int
    options: tuple[str, ...]

    @property
    def arguments(self) -> list[str]:
        """The options of its ``fit``."""
        own = ["--config", f"{self.experiment}.yaml", *self.options]
        return [*own, "--seed_everything", str(self.seed)]

    @property
    def trust(self) -> list[str]:
        """Those options of its ``fit`` that its ``test`` needs too."""
        return [word for name in typed_trust(self.options) for word in ("--trust", name)]

    def __str__(self) -> str:
        return f"{self.experiment}, seed {self.seed}"


def cells(only: Sequence[str], seeds: int, options: Sequence[str]) -> list[Cell]:
    """The grid, one seed after the other, so that a whole grid is there early."""
    chosen = [one for one in EXPERIMENTS if not only or one in only]
    return [Cell(one, seed, tuple(options)) for seed in range(seeds) for one in chosen]


class Wanted(DataCLI):
    """What a cell's training would be: its resolved config and its data, which are prepared here.

    Args:
        cell: the cell.

    Raises:
        DataError: its data cannot be used.
    """

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell.arguments, "reproduce", "")
        self.cell = cell
        self.datamodule.prepare_data()
        self.data = description(self.datamodule)

    @property
    def root(self) -> Path:
        """Where the runs are."""
        return Path(self.config.trainer.default_root_dir)

    def run(self) -> Run | None:
        """The cell's run: the newest that is finished, else the newest; None where there is none.

        A run is the cell's if its config is the same but for places, devices, workers and logging,
        and its data and split are the same.
        """
        own = [run for run in find_runs(self.root) if self._is_own(run)]
        return next((run for run in own if is_finished(run)), own[0] if own else None)

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Hold the cell until it is done, unless another process does; whether it is held here.

        It need not be for the same config: then one waits in vain, which costs nothing but time.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / f".{self.cell.experiment}-{self.cell.seed}.lock")
        try:
            held = lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        with held:
            yield True

    def _is_own(self, run: Run) -> bool:
        try:
            recorded = read_environment(run.environment).data
            saved = run_config(run)
        except (OSError, ValueError, KeyError):
            return False
        return (
            all(getattr(recorded, what) == self.data[what] for what in ("fingerprint", "split"))
            and _is_free(changed_options(saved, self.config))
            # Last: a config is parsed for it, which takes 0.1 s a run.
            and _is_free(new_options(saved, self.config, self.parser))
        )


def _is_free(changed: Collection[str]) -> bool:
    return all(is_below(option, (*FREE, *ELSEWHERE)) for option in changed)
