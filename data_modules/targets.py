"""What is segmented: classes, channels, and the conversion between labels and masks.

Labels are those of BraTS 2023: 1 necrotic core, 2 oedema, 3 enhancing tumour.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_modules.catalog.releases import ENHANCING, NECROTIC_CORE, OEDEMA

TargetName = Literal["whole", "core", "enhancing", "regions", "labels"]


@dataclass(frozen=True)
class Target:
    """One definition of what to segment.

    Attributes:
        name: Its name in ``data.target``.
        classes: The labels of each class, by its name.
        exclusive: Whether a pixel belongs to at most one class. Then channel 0 is the background
            and the network ends in a softmax; otherwise in one sigmoid per channel, and each class
            holds the next.
        written: The value that ``predict`` writes for each class, and its meaning in the file;
            later classes overwrite earlier ones.
    """

    name: str
    classes: dict[str, tuple[int, ...]]
    exclusive: bool
    written: tuple[tuple[int, str], ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, without the background."""
        return tuple(self.classes)

    @property
    def channels(self) -> int:
        """Number of output channels of the network."""
        return len(self.classes) + self.exclusive

    @property
    def foreground(self) -> tuple[int, ...]:
        """All labels that belong to any class."""
        return tuple(sorted({label for labels in self.classes.values() for label in labels}))

    def classes_of(self, labels: Tensor) -> Tensor:
        """Masks of the classes, bool (N, classes, H, W), from labels uint8 (N, H, W)."""
        return torch.stack(
            [
                sum((labels == label for label in members[1:]), labels == members[0])
                for members in self.classes.values()
            ],
            dim=1,
        ).bool()

    def pixels_of(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pixels of the classes, (N, classes), from pixels of the labels, (N, labels)."""
        return np.stack([labels[:, list(m)].sum(axis=1) for m in self.classes.values()], axis=1)

    def encode(self, labels: Tensor) -> Tensor:
        """Masks for the loss, float32 (N, channels, H, W), from labels uint8 (N, H, W)."""
        masks = self.classes_of(labels)
        if self.exclusive:
            masks = torch.cat([~masks.any(dim=1, keepdim=True), masks], dim=1)
        return masks.float()

    def decode(self, logits: Tensor, threshold: float = 0.5) -> Tensor:
        """Predicted masks, bool (N, classes, H, W), from logits (N, channels, H, W).

        Exclusive classes: the most probable class. Otherwise: probability above the threshold,
        and a pixel of a class belongs to the classes around it too, as in a label map.
        """
        if not self.exclusive:
            masks = logits.float() > math.log(threshold / (1 - threshold))
            for outer in reversed(range(len(self.classes) - 1)):
                masks[:, outer] |= masks[:, outer + 1]
            return masks
        winner = logits.argmax(dim=1, keepdim=True)
        return winner == torch.arange(1, self.channels, device=logits.device).view(1, -1, 1, 1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities of the classes, float32 (N, classes, H, W), from logits of the channels.

        Exclusive classes: they and the background, which is left out, sum to 1.
        """
        if self.exclusive:
            return logits.float().softmax(dim=1)[:, 1:]
        return logits.float().sigmoid()

    def write(self, masks: Tensor) -> Tensor:
        """Label map to write, uint8 (N, H, W), from masks bool (N, classes, H, W)."""
        written = masks.new_zeros((masks.shape[0], *masks.shape[2:]), dtype=torch.uint8)
        for index, (value, _) in enumerate(self.written):
            written[masks[:, index]] = value
        return written


_WHOLE = (NECROTIC_CORE, OEDEMA, ENHANCING)
_CORE = (NECROTIC_CORE, ENHANCING)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("whole", {"whole": _WHOLE}, exclusive=False, written=((1, "whole tumour"),)),
        Target("core", {"core": _CORE}, exclusive=False, written=((1, "tumour core"),)),
        Target(
            "enhancing",
            {"enhancing": (ENHANCING,)},
            exclusive=False,
            written=((1, "enhancing tumour"),),
        ),
        Target(
            # Nested: oedema (2) around the core (1) around the enhancing tumour (3).
            "regions",
            {"whole": _WHOLE, "core": _CORE, "enhancing": (ENHANCING,)},
            exclusive=False,
            written=(
                (OEDEMA, "whole tumour outside its core"),
                (NECROTIC_CORE, "tumour core that does not enhance"),
                (ENHANCING, "enhancing tumour"),
            ),
        ),
        Target(
            "labels",
            {"necrotic": (NECROTIC_CORE,), "oedema": (OEDEMA,), "enhancing": (ENHANCING,)},
            exclusive=True,
            written=(
                (NECROTIC_CORE, "necrotic core"),
                (OEDEMA, "oedema"),
                (ENHANCING, "enhancing tumour"),
            ),
        ),
    )
}
