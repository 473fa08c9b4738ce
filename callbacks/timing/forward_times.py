"""How long a network takes per image."""

from typing import Any

import numpy as np
from lightning.pytorch import LightningModule, Trainer

from callbacks.timing.clocks import HostClock, Timestamp
from callbacks.utils.distributed import gather


class ForwardTimes:
    """Measures the forward passes of a module, batch by batch.

    Args:
        module: the module to measure.
        clock: the clock of its device.
    """

    def __init__(self, module: LightningModule, clock: HostClock) -> None:
        self._clock = clock
        self._timestamps: list[Timestamp] = []  # starts and ends in the current batch
        self._batches: list[tuple[list[Timestamp], int]] = []
        self._hooks = [
            module.register_forward_pre_hook(self._add_timestamp),
            module.register_forward_hook(self._add_timestamp),
        ]

    def end_batch(self, images: int, *, is_warmup: bool) -> None:
        """Assign the passes since the last batch to a batch of images; warm-up is discarded."""
        if not is_warmup:
            self._batches.append((self._timestamps, images))
        self._timestamps = []

    def read(self, trainer: Trainer) -> dict[str, Any]:
        """Seconds of the slowest rank, and milliseconds per image over all ranks.

        Waits for the device; all ranks must call this. The values are None without a batch.
        """
        seconds = [
            sum(self._clock.seconds(start, end) for start, end in zip(t[::2], t[1::2], strict=True))
            for t, _ in self._batches
        ]
        ranks = gather((seconds, [images for _, images in self._batches]), trainer)
        batch_seconds = np.concatenate([seconds for seconds, _ in ranks])
        batch_images = np.concatenate([images for _, images in ranks]).astype(np.int64)
        names = ("network_seconds", "network_ms_per_image_median", "network_ms_per_image_p95")
        if not batch_seconds.any():
            return dict.fromkeys(names)
        ms_per_image = np.repeat(1000 * batch_seconds / batch_images, batch_images)
        slowest = max(sum(seconds) for seconds, _ in ranks)
        quantiles = np.quantile(ms_per_image, [0.5, 0.95]).tolist()
        return dict(zip(names, [slowest, *quantiles], strict=True))

    def stop(self) -> None:
        """Remove the hooks."""
        for hook in self._hooks:
            hook.remove()

    def _add_timestamp(self, *_: Any) -> None:
        self._timestamps.append(self._clock.timestamp())
