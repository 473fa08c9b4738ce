"""Run folders and the names of their files, which no other module knows.

Imports neither torch nor lightning: a report reads runs without them.
"""

import os
import re
import secrets
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lightning_app.runs.record_values import Values
from lightning_app.runs.records import read_config, read_record

DEFAULT_ROOT = "runs"
ENSEMBLES = "ensembles"  # folder of the root, beside those of the experiments
START = "%Y%m%d-%H%M%S"  # of a run in UTC, in its name
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


@dataclass(frozen=True)
class ResultFolder:
    """The folder of what is tested: of a run, or of an ensemble, which has no other files.

    Attributes:
        path: ``<root>/<experiment>/<date>-<time>-<short id>`` of a run,
            ``<root>/ensembles/<name>`` of an ensemble.
    """

    path: Path

    @property
    def experiment(self) -> str:
        """What was trained, such as aspp_t1c; "ensembles" for an ensemble."""
        return self.path.parent.name

    def test(self, fingerprint: str | None = None, *, partial: bool = False) -> "TestFolder":
        """The results of a test.

        Args:
            fingerprint: of the data and the split, if they are not those of the training.
            partial: whether only a part of the split was tested.
        """
        parts = ("test", *([fingerprint] if fingerprint else []), *(["partial"] if partial else []))
        return TestFolder(self.path / "-".join(parts))

    def other_tests(self) -> list["TestFolder"]:
        """The results of tests of a part of the split, on other data or on another split."""
        return [TestFolder(path) for path in sorted(self.path.glob("test-*"))]


@dataclass(frozen=True)
class Run(ResultFolder):
    """A training and its results."""

    @property
    def quoted(self) -> str:
        """The path as one word of a shell command."""
        return shlex.quote(str(self.path))

    @property
    def config(self) -> Path:
        """All options, resolved; `fit --config` with it gives the same run."""
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
        """Locked by the process that trains."""
        return self.path / ".lock"

    @property
    def network(self) -> Path:
        """Parameters and multiply-adds."""
        return self.path / "network.json"

    @property
    def split(self) -> Path:
        """The split of each case: training, validation or test."""
        return self.path / "split.csv"

    @property
    def metrics(self) -> Path:
        """Loss, scores and learning rate of each epoch."""
        return self.path / "metrics.csv"

    @property
    def picture(self) -> Path:
        """Loss, score and learning rate over the epochs."""
        return self.path / "training.png"

    @property
    def timing(self) -> Path:
        """How long the training took."""
        return self.path / "timing.json"

    @property
    def postprocessing(self) -> Path:
        """What is done to the masks of its network, chosen by ``tune``."""
        return self.path / "postprocessing.json"

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


@dataclass(frozen=True)
class TestFolder:
    """The files that a test writes."""

    __test__ = False  # for pytest
    path: Path

    @property
    def is_partial(self) -> bool:
        """Whether it is for tests of a part of a split."""
        return self.path.name.endswith("-partial")

    @property
    def is_of_training(self) -> bool:
        """Whether it is for the test split of the training, all of it."""
        return self.path.name == "test"

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
    def lesions(self) -> Path:
        """The lesions of each case and class: found, missed or invented."""
        return self.path / "lesions.csv"

    @property
    def timing(self) -> Path:
        """How long the test took."""
        return self.path / "timing.json"

    @property
    def picture(self) -> Path:
        """Best, median and worst case."""
        return self.path / "cases.png"

    @property
    def masks(self) -> Path:
        """Ground truth and prediction of one slice of each case."""
        return self.path / "masks.npz"

    @property
    def images(self) -> Path:
        """The images of the same slices."""
        return self.path / "images.npz"


def new_run(root: Path, experiment: str) -> Run:
    """A name for a new run; its folder is created with its first file."""
    now = datetime.now(UTC)  # local clocks are set back once a year
    return Run((root / experiment / f"{now:{START}}-{secrets.token_hex(3)}").absolute())


def find_runs(folder: Path) -> list[Run]:
    """The run that a folder is, or all runs in it and in its subfolders, the newest first.

    So the folder may be that of a run, of an experiment, or of experiments.
    """
    return newest_first(Run(path.absolute()) for path in _run_folders(folder, levels=2))


def find_runs_below(folder: Path) -> list[Run]:
    """The run that a folder is, or all runs below it, at any depth; links are not followed."""
    return [Run(path) for path in _run_folders(folder, levels=None)]


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run: by its name or, if it was copied, by its records."""
    if is_run_name(folder.absolute().name):
        return _is_folder(folder)
    return is_file(Run(folder).config) and is_file(Run(folder).status)


def newest_first(runs: Iterable[Run]) -> list[Run]:
    """Runs in the order in which they were started, the newest first."""
    return sorted(runs, key=_start, reverse=True)


def is_file(path: Path) -> bool:
    """Whether there is a file, as far as the permissions of its folder tell.

    Unlike ``Path.is_file``, which raises OSError for a folder that may not be entered: a run in
    such a folder must not stop a command about others.
    """
    try:
        return path.is_file()
    except OSError:
        return False


def _run_folders(folder: Path, levels: int | None) -> Iterator[Path]:
    """The folders of runs, so many levels below a folder; on all levels if links are not followed.

    None are looked for inside the folder of a run.
    """
    if is_run(folder):
        yield folder
    elif levels is None:
        for inner in subfolders(folder, follow_links=False):
            yield from _run_folders(inner, None)
    elif levels > 0:
        for inner in subfolders(folder):
            yield from _run_folders(inner, levels - 1)


def subfolders(folder: Path, *, follow_links: bool = True) -> list[Path]:
    """The folders in a folder, sorted; none if it may not be read."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=follow_links)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def is_run_name(name: str) -> bool:
    """Whether a folder's name is that of a run: ``<date>-<time>-<short id>``."""
    return _NAME.fullmatch(name) is not None


def start_of(run: Run) -> str:
    """When a run was started, ``<date>-<time>`` in UTC; empty if it is not known.

    From its status, which a copy under another name has too, else from its name.
    """
    try:
        started = Values(read_record(run.status), run.status).text("started")
        return f"{datetime.fromisoformat(started).astimezone(UTC):{START}}"
    except (OSError, ValueError, OverflowError):  # the last for a year that no clock shows
        return run.path.name.rpartition("-")[0] if is_run_name(run.path.name) else ""


def _start(run: Run) -> tuple[str, bool, int]:
    """When a run was started: in seconds, and within a second by its first file.

    A run is newer than its copy.
    """
    written = run.config.stat().st_mtime_ns if is_file(run.config) else 0
    return start_of(run), is_run_name(run.path.name), written


def run_config(run: Run) -> dict[str, Any]:
    """The content of a run's config.yaml. Raises as ``read_config`` does."""
    return read_config(run.config)
