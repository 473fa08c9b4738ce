"""Losses on logits. Targets are a mask for each channel, so torch's losses fit in their place."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


class DiceCrossEntropy(nn.Module):
    """Soft Dice plus cross-entropy, in float32 whatever the precision of the logits.

    Soft Dice (Milletari et al. 2016) is 1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1). The sums run
    over the pixels of the whole batch, so that slices without tumour count too; the result is
    averaged over the classes without the background. The cross-entropy is averaged over pixels and
    channels.

    Args:
        exclusive: whether a pixel belongs to exactly one channel (softmax, channel 0 is background)
            or each channel is independent (sigmoid). Follows from data.target.
        dice_weight: weight of the soft Dice.
        cross_entropy_weight: weight of the cross-entropy.
    """

    def __init__(
        self,
        exclusive: bool = False,  # noqa: FBT001, FBT002 (an option of the command line)
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.exclusive = exclusive
        self.dice_weight = dice_weight
        self.cross_entropy_weight = cross_entropy_weight

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a float32 scalar, of logits and masks, both (N, channels, H, W)."""
        # Under autocast the sums would be in half precision, in which 65,504 pixels overflow.
        with torch.autocast(logits.device.type, enabled=False):
            logits, target = logits.float(), target.float()
            if self.exclusive:
                entropy = cross_entropy(logits, target)
                dice = soft_dice(logits.softmax(dim=1)[:, 1:], target[:, 1:])
            else:
                entropy = binary_cross_entropy_with_logits(logits, target)
                dice = soft_dice(logits.sigmoid(), target)
            return self.dice_weight * (1 - dice) + self.cross_entropy_weight * entropy


def soft_dice(probabilities: Tensor, target: Tensor) -> Tensor:
    """Soft Dice of the whole batch, a scalar: the mean over the channels of two (N, C, H, W)."""
    dims = (0, 2, 3)
    overlap = (probabilities * target).sum(dims)
    total = probabilities.sum(dims) + target.sum(dims)
    return ((2 * overlap + 1) / (total + 1)).mean()
