"""Whole volumes without ground truth, for prediction."""

from collections.abc import Sequence
from typing import TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset

from data_modules.case_volume import CaseVolume, read_case
from data_modules.catalog.cases import Case
from data_modules.utils.errors import DataError
from data_modules.window import Size, Window


class Volume(TypedDict):
    """One case to predict.

    ``image`` is float32 (D, modalities, H, W) and ``spacing`` the distance between its voxels in
    mm, x first. ``window`` is the part of each slice that the network gets: first row, first
    column, height and width. ``problem`` says why a case could not be read, and is None if it
    could.
    """

    image: Tensor
    case: int
    spacing: tuple[float, ...]
    window: tuple[int, int, int, int]
    problem: str | None


class VolumeDataset(Dataset[Volume]):
    """Whole volumes, each read when it is asked for.

    Args:
        cases: the cases; they need no segmentation.
        modalities: the channels, in the order of the network's.
        size: height and width to which slices are cropped or padded, as in training.
        window: height and width that the network was trained with; None for whole slices. A brain
            that does not fit gets a larger window.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        modalities: Sequence[str],
        size: Size,
        window: Size | None = None,
    ) -> None:
        self.cases = list(cases)
        self.modalities = list(modalities)
        self.size = size
        self.window = window

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> Volume:
        """Read a case. A bad file goes into ``problem``, so that it does not stop the others."""
        try:
            volume = read_case(self.cases[index], self.modalities, self.size, self.window)
        except DataError as error:
            empty = torch.zeros(0, len(self.modalities), *self.size)
            window = Window(0, 0, *self.size)
            return {
                "image": empty,
                "case": index,
                "spacing": (),
                "window": window,
                "problem": str(error),
            }
        return as_item(volume, index)


def as_item(volume: CaseVolume, case: int = 0) -> Volume:
    """A volume as an item of the dataset; ``case`` is its index there."""
    image = torch.from_numpy(volume.image)
    return {
        "image": image,
        "case": case,
        "spacing": volume.spacing,
        "window": volume.window,
        "problem": None,
    }
