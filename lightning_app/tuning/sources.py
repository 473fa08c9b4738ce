"""On whose patients the post-processing of a run is chosen. Imports no torch.

For a fold of a cross-validation these are patients outside the fold, each predicted by the run that
tests it. Those runs were trained on patients of the fold, but no prediction of such a patient, and
no ground truth, is looked at. The choice is then checked on the run's own validation split.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.report.load.settings import options_of, settings_of
from lightning_app.runs.folder import (
    Run,
    find_runs,
    is_file,
    newest_first,
    run_config,
    subfolders,
)
from lightning_app.runs.records import read_environment, read_split
from lightning_app.runs.status import is_finished
from lightning_app.utils.yaml_file import get_option

# Options that settings leave out, and that runs of a cross-validation share.
_SHARED = (
    "seed_everything", "model.network.class_path", "data.folds", "data.split_seed",
    "data.modalities", "data.target", "data.image_size",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A split of a run, predicted by that run.

    Attributes:
        run: whose weights predict.
        split: val or test.
    """

    run: Run
    split: str

    @property
    def patients(self) -> set[str]:
        """Of the split. Raises as ``read_split`` does."""
        return {patient for _, patient, split in read_split(self.run.split) if split == self.split}


@dataclass(frozen=True)
class Sources:
    """Where the cases come from on which a run's post-processing is chosen.

    Attributes:
        parts: predictions of these.
        tested: patients of the run's test split, of whom nothing is used.
        in_words: what the cases are, and why.
        own: the run's own validation split, if other runs predict the parts.
    """

    parts: tuple[Source, ...]
    tested: frozenset[str]
    in_words: str
    own: Source | None = None

    @property
    def patients(self) -> set[str]:
        """On whom is chosen."""
        return {patient for part in self.parts for patient in part.patients} - self.tested


def sources_of(run: Run) -> Sources:
    """The validation split of a run; of a fold, the test splits of the other folds, and its own.

    If the other folds that are there have too few patients for an interval, the validation split.

    Raises:
        RecordError, OSError: a record of the run cannot be read.
    """
    tested = frozenset(Source(run, "test").patients)
    own = Sources((Source(run, "val"),), tested, "the validation split")
    folds = get_option(run_config(run), "data.folds")
    if folds is None:
        return own
    others = other_folds(run)
    parts = tuple(Source(others[fold], "test") for fold in sorted(others))
    missing = folds - 1 - len(others)
    found = f"{len(others)} of the {folds - 1} other folds"
    outside = Sources(parts, tested, f"out-of-fold predictions of {found}", own.parts[0])
    if len(outside.patients) >= FEWEST_PATIENTS or not missing:
        return outside
    return Sources(own.parts, tested, f"{own.in_words}, as {found} are trained")


def other_folds(run: Run) -> Mapping[int, Run]:
    """The finished runs that differ from a run in the fold alone, by fold, of each the newest."""
    config = run_config(run)
    others = [other for other in _of_experiment(run) if other != run and _is_ready(other)]
    configs = [run_config(other) for other in others]
    settings = settings_of([options_of(content) for content in (config, *configs)])
    fold, data = get_option(config, "data.fold"), _data(run)
    found: dict[int, Run] = {}
    for other, content, of_other in zip(others, configs, settings[1:], strict=True):
        number = get_option(content, "data.fold")
        same = of_other == settings[0] and _shared(content) == _shared(config)
        if same and number != fold and _data(other) == data:
            found.setdefault(number, other)
    return found


def _of_experiment(run: Run) -> list[Run]:
    """The runs of all folds of an experiment, the newest first.

    ``reproduce`` puts the runs of a fold into a folder of their own.
    """
    name = _experiment(run.experiment)
    folders = subfolders(run.path.parent.parent)
    same = [folder for folder in folders if _experiment(folder.name) == name]
    return newest_first(other for folder in same for other in find_runs(folder))


def _experiment(folder: str) -> str:
    return re.sub(r"_fold\d+$", "", folder)


def _is_ready(run: Run) -> bool:
    """Whether a run can predict its test split; a damaged one cannot."""
    try:
        read_split(run.split), run_config(run), _data(run)
    except (OSError, ValueError):
        return False
    return is_finished(run) and is_file(run.best)


def _shared(config: Mapping[str, Any]) -> Sequence[Any]:
    return [get_option(config, option) for option in _SHARED]


def _data(run: Run) -> tuple[str, str]:
    data = read_environment(run.environment).data
    return data.kind, data.fingerprint
