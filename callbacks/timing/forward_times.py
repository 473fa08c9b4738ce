"""How long a network takes for an image."""

from typing import Any

import numpy as np
from lightning.pytorch import LightningModule, Trainer

from callbacks.timing.clocks import Clock, Mark
from callbacks.timing.stopwatch import gathered


class ForwardTimes:
    """Times a module's forward passes, batch by batch.

    Args:
        module: whose.
        clock: the device's.
    """

    def __init__(self, module: LightningModule, clock: Clock) -> None:
        self._clock = clock
        self._marks: list[Mark] = []  # of the batch under way
        self._batches: list[tuple[list[Mark], int]] = []
        self._hooks = [
            module.register_forward_pre_hook(self._mark),
            module.register_forward_hook(self._mark),
        ]

    def end_batch(self, images: int, *, counts: bool) -> None:
        """The passes since the last batch were for so many images; they may not count."""
        if counts:
            self._batches.append((self._marks, images))
        self._marks = []

    def read(self, trainer: Trainer) -> dict[str, Any]:
        """Seconds of the slowest process, and milliseconds an image over all of them.

        Waits for the device; to be called on every process. Null where nothing was counted.
        """
        seconds = [
            sum(self._clock.seconds(*pair) for pair in zip(marks[::2], marks[1::2], strict=True))
            for marks, _ in self._batches
        ]
        own = {"seconds": seconds, "images": [images for _, images in self._batches]}
        everyone = gathered(own, trainer)
        images = np.concatenate([process["images"] for process in everyone]).astype(np.int64)
        taken = np.concatenate([process["seconds"] for process in everyone])
        if not taken.any():
            return dict.fromkeys((_SECONDS, _MEDIAN, _HIGH))
        an_image = np.repeat(1000 * taken / images, images)
        median, high = np.quantile(an_image, [0.5, 0.95]).tolist()
        slowest = max(sum(process["seconds"]) for process in everyone)
        return {_SECONDS: slowest, _MEDIAN: median, _HIGH: high}

    def stop(self) -> None:
        """Take the hooks off."""
        for hook in self._hooks:
            hook.remove()

    def _mark(self, *_: Any) -> None:
        self._marks.append(self._clock.mark())


_SECONDS = "network_seconds"
_MEDIAN = "network_ms_per_image_median"
_HIGH = "network_ms_per_image_p95"
