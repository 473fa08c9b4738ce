"""CPU time of the epochs of a training, and Dice on the test patients in between."""

from collections.abc import Callable, Iterable
from time import process_time

import numpy as np
import torch
from torch import Tensor

from benchmarks.accuracy.training import Point
from data_modules.batch_dataset import Batch
from data_modules.brats import BraTSDataModule

SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1)  # of the epochs, when to test
Forward = Callable[[Tensor], Tensor]


class Curve:
    """Counts the CPU time of a training without its own.

    Args:
        data: whose test split is scored.
        epochs: of the whole training.

    Attributes:
        seconds: of each epoch so far.
        points: the Dice so far.
    """

    def __init__(self, data: BraTSDataModule, epochs: int) -> None:
        self._data = data
        self._due = {max(1, round(share * epochs)) for share in SHARES}
        self.seconds: list[float] = []
        self.points: list[Point] = []
        self._dice: float | None = None  # of the epoch that has not ended
        self._start = process_time()

    def test_if_due(self, forward: Forward) -> None:
        """Test with the weights that the epoch is validated with, outside the counted time."""
        begin = process_time()
        if len(self.seconds) + 1 in self._due:
            self._dice = mean_dice(forward, self._data.test_dataloader(), self._data)
        self._start += process_time() - begin

    def epoch_ended(self) -> None:
        """Note the end of an epoch, validation included."""
        end = process_time()
        self.seconds.append(end - self._start)
        if self._dice is not None:
            self.points.append(Point(len(self.seconds), sum(self.seconds) / 60, self._dice))
        self._dice, self._start = None, end


def mean_dice(
    forward: Forward, batches: Iterable[Batch], data: BraTSDataModule, split: str = "test"
) -> float:
    """The mean Dice of the volumes of a split."""
    dataset = data.datasets[split]
    counts = np.zeros((len(dataset.cases), 3))  # overlap, prediction, ground truth
    for batch in batches:
        reference = data.target.classes_of(batch["labels"])
        with torch.no_grad():
            prediction = data.target.decode(forward(batch["image"]))
        pixels = (
            mask.sum(dim=(1, 2, 3)) for mask in (prediction & reference, prediction, reference)
        )
        np.add.at(
            counts, dataset.case_index[batch["sample"].numpy()], torch.stack([*pixels], 1).numpy()
        )
    return float(np.mean(2 * counts[:, 0] / (counts[:, 1] + counts[:, 2])))
