"""What the values of a label map mean: as typed, as a file beside it says, or BraTS 2023."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_modules.catalog.nnunet import read_release
from data_modules.catalog.releases import (
    ENHANCING,
    NECROTIC_CORE,
    OEDEMA,
    Release,
    releases_named,
)
from data_modules.utils.errors import DataError
from lightning_app.evaluation.inputs.mask_folder import MaskFolder
from lightning_app.results.predictions.label_map_folder import read_note
from lightning_app.utils.errors import UsageError

# The labels of each region, in the order in which regions are shown.
REGIONS = {
    "whole": (NECROTIC_CORE, OEDEMA, ENHANCING),
    "core": (NECROTIC_CORE, ENHANCING),
    "enhancing": (ENHANCING,),
}
ALL_REGIONS = tuple(REGIONS)


@dataclass(frozen=True)
class Values:
    """What the values of a label map mean.

    Attributes:
        name: for settings and messages.
        labels: maps each value to a label of BraTS 2023; None if all but 0 is tumour.
        regions: the regions that such a map can be scored for.
        option: that names them, for messages.
    """

    name: str
    labels: Mapping[int, int] | None
    regions: tuple[str, ...] = ALL_REGIONS
    option: str = "--values"


@dataclass(frozen=True)
class LabelMap:
    """A file, and what its values mean."""

    path: Path
    values: Values


BRATS_2023 = Values("brats2023", {0: 0, 1: NECROTIC_CORE, 2: OEDEMA, 3: ENHANCING})
_WHOLE = Values("whole", None, ("whole",))
CHOICES = {
    values.name: values
    for values in (
        BRATS_2023,
        Values("brats2021", {0: 0, 1: NECROTIC_CORE, 2: OEDEMA, 4: ENHANCING}),
        _WHOLE,
    )
}
# By the target that the JSON beside a mask names.
_OF_TARGET = {
    "whole": _WHOLE,
    "core": Values("core", {0: 0, 1: NECROTIC_CORE}, ("core",)),
    "enhancing": Values("enhancing", {0: 0, 1: ENHANCING}, ("enhancing",)),
    "regions": BRATS_2023,
    "labels": BRATS_2023,
}
BY_DEFAULT = "the default"
_DESCRIPTION = "dataset.json"  # nnU-Net copies it beside its predictions


def values_of(folder: MaskFolder, typed: str | None) -> tuple[Values, str]:
    """What the values in a folder mean, and how that is known.

    Args:
        folder: the folder.
        typed: a name in ``CHOICES``; None if the user named none.

    Raises:
        UsageError: the files beside the masks contradict each other.
        DataError: nnU-Net's dataset.json cannot be read.
    """
    if typed is not None:
        return CHOICES[typed], "as typed"
    if noted := _noted(folder):
        return noted, "as the JSON beside the masks says"
    for place in (folder.path, folder.path.parent):
        if described := _described(place):
            return described, f"as {place / _DESCRIPTION} says"
    return BRATS_2023, BY_DEFAULT


def _noted(folder: MaskFolder) -> Values | None:
    """What the JSON files of ``predict`` say; None if there is none."""
    by_case = {case: _of_note(path, case) for case, path in folder.masks.items()}
    kinds = {values.name: case for case, values in by_case.items() if values is not None}
    without = [case for case, values in by_case.items() if values is None]
    if kinds and (len(kinds) > 1 or without):
        said = [f"{case} has the values '{name}'" for name, case in kinds.items()]
        said += [f"{without[0]} has no JSON of predict"] if without else []
        raise UsageError(
            f"{folder.option} '{folder.path}' mixes masks of several kinds: {', '.join(said)}; "
            "put them into folders of their own, or name --values"
        )
    return next(filter(None, by_case.values()), None)


def _of_note(mask: Path, case: str) -> Values | None:
    path = mask.with_name(f"{case}.json")
    note = read_note(path)
    if note is None:
        return None
    target = str(note["target"])
    if target not in _OF_TARGET:
        raise UsageError(
            f"'{path}' names the target '{target}', expected one of: {', '.join(_OF_TARGET)}"
        )
    return _OF_TARGET[target]


def _described(folder: Path) -> Values | None:
    (row,) = releases_named("nnunet")
    try:
        release: Release | None = read_release(folder, row)
    except DataError as error:
        raise DataError(f"{error}; or name --values") from None
    return None if release is None else Values("nnunet", release.labels)
