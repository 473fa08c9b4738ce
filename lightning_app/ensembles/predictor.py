"""Whose weights predict: those of one run, or of several. Imports no torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lightning_app.config.option_policy import FIXED
from lightning_app.runs.folder import ENSEMBLES, ResultFolder, Run, is_run_name, run_config
from lightning_app.runs.records import trained_window
from lightning_app.utils.errors import UsageError
from lightning_app.utils.text import LONGEST_FILE_NAME, is_file_name
from lightning_app.utils.yaml_file import get_option

Augmentation = Literal["mirror"]  # of images at test time
MIRROR: Augmentation = "mirror"
# What an image and a channel of the logits mean; the networks may differ.
_SHARED = (*(o for o in FIXED if o != "model.network"), "data.image_size")


@dataclass(frozen=True)
class Predictor:
    """The runs whose mean probability is the prediction.

    Attributes:
        runs: their best weights are used; the options are those of the first.
        is_mirrored: whether the mean is also over the mirror images.
        folder: gets the tests. That of the run itself if there is one run and nothing is mirrored.
    """

    runs: tuple[Run, ...]
    is_mirrored: bool
    folder: ResultFolder

    @classmethod
    def of_run(cls, run: Run) -> "Predictor":
        """A run by itself."""
        return cls((run,), is_mirrored=False, folder=run)

    @property
    def first(self) -> Run:
        """The run that gives the options."""
        return self.runs[0]

    @property
    def is_plain(self) -> bool:
        """Whether a run predicts by itself, on the images as they are."""
        return self.folder == self.first

    @property
    def note(self) -> dict[str, Any]:
        """What the note of a label map says of the weights."""
        note: dict[str, Any] = {"run": str(self.first.path)}
        if len(self.runs) > 1:
            note["members"] = [str(run.path) for run in self.runs]
        if self.is_mirrored:
            note["tta"] = MIRROR
        return note

    @property
    def words(self) -> list[str]:
        """The options of ``test`` that name it."""
        runs = [word for run in self.runs for word in ("--run", str(run.path))]
        if self.is_plain:
            return runs
        mirror = ["--tta", MIRROR] if self.is_mirrored else []
        return [*runs, *mirror, "--name", self.folder.path.name]


def joined(
    runs: Sequence[Run],
    root: Path,
    *,
    is_mirrored: bool,
    name: str | None = None,
    experiment: str | None = None,
) -> Predictor:
    """The mean of several runs, of mirror images, or both.

    Args:
        runs: one run at least.
        root: folder of the runs; used if the first run does not lie in a root.
        is_mirrored: whether images are mirrored too.
        name: of the folder for its tests, below ``ensembles``, as the user typed it; None for one
            that is made from the experiment or the runs.
        experiment: that the runs are all of; None for runs that are named one by one.

    Raises:
        UsageError: the runs do not segment the same classes in the same images, or no folder can
            have the name.
    """
    check_agreement(runs)
    first = runs[0].path
    root = first.parent.parent if is_run_name(first.name) else root.absolute()
    if name is None:
        members = experiment or "+".join(map(_short_name, runs))
        name = _default_name(members, is_mirrored=is_mirrored)
    folder = root / ENSEMBLES / _checked(name)
    return Predictor(tuple(runs), is_mirrored, ResultFolder(folder))


def check_agreement(runs: Sequence[Run]) -> None:
    """Check that runs segment the same classes in the same images.

    The sizes of their windows may differ, as those that folds find do: all get the largest.

    Raises:
        UsageError: names an option that differs.
        RecordError: environment.json of a run with an automatic window is damaged.
    """
    first, *others = runs
    for run in others:
        for option in _SHARED:
            expected, found = (get_option(run_config(r), option) for r in (first, run))
            if found != expected:
                raise UsageError(
                    f"{option} is {expected} in '{first.path}' and {found} in '{run.path}': the "
                    "runs of an ensemble need the same"
                )
        windows = [trained_window(r.config, r.environment) for r in (first, run)]
        if windows.count(None) == 1:
            raise UsageError(
                f"one of '{first.path}' and '{run.path}' was trained with data.window, the other "
                "on whole slices: the runs of an ensemble need the same"
            )


def _default_name(members: str, *, is_mirrored: bool) -> str:
    """The name of an ensemble: its members or, if no folder can be named so, their hash.

    With mirror images it has a name of its own.
    """
    digest = hashlib.blake2b(members.encode(), digest_size=4).hexdigest()
    end = f"-{MIRROR}" if is_mirrored else ""
    return next(filter(_is_folder_name, (f"{members}{end}", f"ensemble-{digest}{end}")))


def _short_name(run: Run) -> str:
    """Experiment and short id, such as unet_t1c-3f2a1b."""
    name = run.path.name
    return f"{run.experiment}-{name.rpartition('-')[2]}" if is_run_name(name) else name


def _is_folder_name(name: str) -> bool:
    return is_file_name(name) and not is_run_name(name)


def _checked(name: str) -> str:
    if not _is_folder_name(name):
        raise UsageError(
            f"the ensemble's name is '{name}', expected a name for a folder, such as unet_all: up "
            f"to {LONGEST_FILE_NAME} characters, no slash or colon, no sign at the beginning, and "
            "not the name of a run"
        )
    return name
