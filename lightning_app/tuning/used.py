"""Which post-processing a test or a prediction uses."""

from pathlib import Path
from typing import NamedTuple

from data_modules.targets import Target
from lightning_app.ensembles.predictor import Predictor
from lightning_app.postprocessing.postprocessing import NOTHING, Postprocessing
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run, is_file
from lightning_app.tuning.record import EPOCH_KEY, chosen_epoch, read_postprocessing
from lightning_app.utils.errors import UsageError

AUTO = "auto"
_NONE = "none"


class UsedPostprocessing(NamedTuple):
    """What is done to masks.

    Attributes:
        operations: perhaps nothing.
        file: that says so; None if there is none, or it is not used.
        note: a line for the user; empty if there is nothing to say.
    """

    operations: Postprocessing = NOTHING
    file: Path | None = None
    note: str = ""


def chosen_postprocessing(
    option: str, predictor: Predictor, target: Target, *, are_volumes: bool
) -> UsedPostprocessing:
    """What an option means for a run, or for several joined.

    What was chosen for a run is used for the run by itself alone.

    Args:
        option: auto, none or a file.
        predictor: whose file is used for auto.
        target: what the masks are of.
        are_volumes: whether whole volumes are segmented, for which it was chosen.

    Raises:
        UsageError: there is no such file, it cannot be used for the target, or for single slices.
    """
    own = predictor.first.postprocessing
    if option == _NONE or (option == AUTO and not is_file(own)):
        return UsedPostprocessing()
    if option == AUTO and not predictor.is_plain:
        only = "it was chosen for the run by itself"
        return UsedPostprocessing(note=f"Post-processing: '{own}' is not used; {only}")
    file = own if option == AUTO else Path(option)
    if not are_volumes:
        only = "it is for whole volumes: --data.eval_slices all"
        if option == AUTO:
            return UsedPostprocessing(note=f"Post-processing: '{file}' is not used; {only}")
        raise UsageError(f"--postprocess '{file}' cannot be used; {only}, or --postprocess none")
    try:
        operations = read_postprocessing(
            file, target.name, target.class_names, exclusive=target.exclusive
        )
    except FileNotFoundError:
        raise UsageError(
            f"--postprocess is '{option}', expected {AUTO}, {_NONE} or a file that tune wrote"
        ) from None
    note = f"Post-processing: {operations.in_words} ('{file}')"
    if option == AUTO and _is_outdated(predictor.first):
        note += "; the run has a better epoch since: tune again"
    return UsedPostprocessing(operations, file.absolute(), note)


def _is_outdated(run: Run) -> bool:
    """Whether the run's best weights are others than those for which was chosen."""
    epoch = chosen_epoch(run.postprocessing)
    best = read_checkpoint(run.best, memory_map=True).get(EPOCH_KEY)
    return epoch is not None and epoch != best


def postprocessing_of(run: Run, target: Target) -> Postprocessing:
    """What ``auto`` means for whole volumes of a run. Raises as ``chosen_postprocessing`` does."""
    predictor = Predictor.of_run(run)
    return chosen_postprocessing(AUTO, predictor, target, are_volumes=True).operations
