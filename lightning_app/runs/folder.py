"""Run folders: name them, find them, and know their files. Nothing else knows the file names.

Imports neither torch nor lightning: a report reads runs without them.
"""

import difflib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from lightning_app.utils.errors import UsageError

DEFAULT_ROOT = "runs"
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


@dataclass(frozen=True)
class Run:
    """One training and what came of it.

    Attributes:
        path: ``<root>/<experiment>/<date>-<time>-<short id>``.
    """

    path: Path

    @property
    def experiment(self) -> str:
        """What was trained, such as aspp_t1c."""
        return self.path.parent.name

    @property
    def config(self) -> Path:
        """Everything that was asked for, resolved; feeding it back gives the same run."""
        return self.path / "config.yaml"

    @property
    def environment(self) -> Path:
        """Versions, device, git state, data fingerprint, command line."""
        return self.path / "environment.json"

    @property
    def status(self) -> Path:
        """Whether it is running, finished, interrupted or failed."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """Held by the process that trains."""
        return self.path / ".lock"

    @property
    def network(self) -> Path:
        """Parameters and multiply-adds."""
        return self.path / "network.json"

    @property
    def split(self) -> Path:
        """Who was on which side."""
        return self.path / "split.csv"

    @property
    def metrics(self) -> Path:
        """A row an epoch."""
        return self.path / "metrics.csv"

    @property
    def picture(self) -> Path:
        """Loss, score and learning rate over the epochs."""
        return self.path / "training.png"

    @property
    def timing(self) -> Path:
        """What the training took."""
        return self.path / "timing.json"

    @property
    def wandb_id(self) -> Path:
        """The W&B id of the run, beside W&B's own folders."""
        return self.path / "wandb" / "id.txt"

    @property
    def checkpoints(self) -> Path:
        """Folder of best.ckpt and last.ckpt."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """The epoch with the best validation score."""
        return self.checkpoints / "best.ckpt"

    @property
    def last(self) -> Path:
        """The last epoch."""
        return self.checkpoints / "last.ckpt"

    def test(self, fingerprint: str | None = None) -> "TestFolder":
        """The results of a test on the run's own data and split, or on others, so marked."""
        return TestFolder(self.path / ("test" if fingerprint is None else f"test-{fingerprint}"))

    def other_tests(self) -> list["TestFolder"]:
        """The results of tests on other data or another split than the run's own."""
        return [TestFolder(path) for path in sorted(self.path.glob("test-*"))]


@dataclass(frozen=True)
class TestFolder:
    """The files that a test writes."""

    __test__ = False  # pytest, this is not a test
    path: Path

    @property
    def metrics(self) -> Path:
        """Every score with its interval, the data and the checkpoint."""
        return self.path / "metrics.json"

    @property
    def cases(self) -> Path:
        """Counts and Dice of each case and class."""
        return self.path / "cases.csv"

    @property
    def slices(self) -> Path:
        """Counts and Dice of each slice and class."""
        return self.path / "slices.csv"

    @property
    def volumes(self) -> Path:
        """The volume scores of each case and class."""
        return self.path / "volumes.csv"

    @property
    def timing(self) -> Path:
        """What the test took."""
        return self.path / "timing.json"

    @property
    def picture(self) -> Path:
        """Best, median and worst case."""
        return self.path / "cases.png"

    @property
    def masks(self) -> Path:
        """One slice a case: truth and prediction."""
        return self.path / "masks.npz"

    @property
    def images(self) -> Path:
        """The images of those slices."""
        return self.path / "images.npz"


def experiment_of(config: str) -> str:
    """The experiment that a config stands for: its stem, or, for a run's own config, the run's.

    Raises:
        UsageError: no folder can have that name.
    """
    path = Path(config)
    of_run = _NAME.fullmatch(path.absolute().parent.name)
    name = Run(path.absolute().parent).experiment if of_run else path.stem
    if name in {"", ".", ".."}:  # the stem of '...yaml' is '..'
        raise UsageError(f"--config '{config}' names the experiment '{name}': rename the file")
    return name


def new_run(root: Path, experiment: str) -> Run:
    """A run that does not exist yet; its folder is made when there is something to put into it."""
    now = datetime.now(UTC)  # local clocks go back once a year
    return Run((root / experiment / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}").absolute())


def find_runs(root: Path) -> list[Run]:
    """All runs below a root, the newest first."""
    found = [Run(p.absolute()) for p in root.glob("*/*") if _NAME.fullmatch(p.name) and p.is_dir()]
    return sorted(found, key=_age, reverse=True)


def _age(run: Run) -> tuple[str, int]:
    """When a run was begun: by its name to the second, by its first file within one."""
    begun = run.config.stat().st_mtime_ns if run.config.is_file() else 0
    return run.path.name.rsplit("-", 1)[0], begun


def trained_run(root: Path, name: str | None) -> Run:
    """The run to test or to predict with.

    Args:
        root: where the runs are.
        name: a run's folder, its name, ``experiment/name``, or an experiment, which stands for its
            newest run; None for the newest of all. Without a folder given, only runs with a
            checkpoint count.

    Raises:
        UsageError: no such run, or it has no checkpoint.
    """
    trained = [run for run in find_runs(root) if run.best.is_file()]
    if name is not None:
        run = _by_folder(name) or _by_name(name, trained, f"trained run '{name}' below '{root}'")
        if not run.best.is_file():
            raise UsageError(f"run '{name}' has no checkpoint at {run.best}: it was never trained")
        return run
    if not trained:
        raise UsageError(
            f"no trained run found below '{root}': train one first, such as "
            "python main.py fit --config unet_t1c.yaml, or name one with --run"
        )
    return trained[0]


def named_run(root: Path, name: str) -> Run:
    """The run of a name, as in ``trained_run``, with a checkpoint or without.

    Raises:
        UsageError: no such run.
    """
    runs = [run for run in find_runs(root) if run.config.is_file()]
    return _by_folder(name) or _by_name(name, runs, f"run '{name}' below '{root}'")


def check_links(run: Run) -> None:
    """Refuse a run with a link that leads out of its folder: we would write through it.

    Raises:
        UsageError: naming the link.
    """
    for path in run.path.iterdir():
        if path.is_symlink() and not path.resolve().is_relative_to(run.path.resolve()):
            raise UsageError(
                f"run '{run.path}': {path.name} is a link to '{path.readlink()}', expected "
                "nothing outside the run's folder: put the file or folder itself there"
            )


def run_config(run: Run) -> dict[str, Any]:
    """The content of a run's config.yaml.

    Raises:
        OSError: it is not there.
    """
    content: dict[str, Any] = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    return content


def _by_folder(name: str) -> Run | None:
    run = Run(Path(name).absolute())
    return run if run.config.is_file() else None


def _by_name(name: str, runs: list[Run], what: str) -> Run:
    for run in runs:
        names = (run.experiment, run.path.name, f"{run.experiment}/{run.path.name}")
        if name.rstrip("/") in names:
            return run
    raise UsageError(f"no {what}{_nearest(name, runs)}")


def _nearest(name: str, runs: list[Run]) -> str:
    known = {run.experiment for run in runs} | {f"{r.experiment}/{r.path.name}" for r in runs}
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.4)
    return f"; nearest: {', '.join(near)}" if near else "; there is none"
