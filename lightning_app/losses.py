"""Losses on logits. Targets are a mask for each channel, so torch's losses fit in their place."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


class DiceCrossEntropy(nn.Module):
    """Soft Dice plus cross-entropy, in float32 whatever the precision of the logits.

    Soft Dice is 1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1). The sums without squares are those of
    Drozdzal et al. (2016), "The Importance of Skip Connections in Biomedical Image Segmentation";
    Milletari et al. (2016), "V-Net", equation 3, divide by sum(p^2) + sum(t^2). The ones are in
    neither: with them the loss is 0, not 0 / 0, if both are empty. The sums run over the pixels of
    the whole batch, so that slices without tumour count too; the result is averaged over the
    classes without the background. The cross-entropy is averaged over pixels and channels.

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
        entropy, overlap, total = self._parts(logits, target)
        return self._weighted(dice_of_sums(overlap, total), entropy)

    def sums(self, logits: Tensor, target: Tensor) -> Tensor:
        """What the loss needs of a batch, float32 (sums,); batches are pooled by adding them.

        Overlap and total of each class, the cross-entropy summed over slices, and their number.
        """
        entropy, overlap, total = self._parts(logits, target)
        slices = len(logits)
        return torch.cat([overlap, total, (entropy * slices)[None], entropy.new_full((1,), slices)])

    def of_sums(self, sums: Tensor) -> Tensor:
        """The loss, a scalar, of all batches whose ``sums`` were added."""
        overlap, total = sums[:-2].chunk(2)
        return self._weighted(dice_of_sums(overlap, total), sums[-2] / sums[-1])

    def _parts(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mean cross-entropy, and overlap and total of each class, all float32."""
        # Under autocast the sums would be in half precision, in which 65,504 pixels overflow.
        with torch.autocast(logits.device.type, enabled=False):
            logits, target = logits.float(), target.float()
            if self.exclusive:
                entropy = cross_entropy(logits, target)
                return entropy, *dice_sums(logits.softmax(dim=1)[:, 1:], target[:, 1:])
            entropy = binary_cross_entropy_with_logits(logits, target)
            return entropy, *dice_sums(logits.sigmoid(), target)

    def _weighted(self, dice: Tensor, entropy: Tensor) -> Tensor:
        return self.dice_weight * (1 - dice) + self.cross_entropy_weight * entropy


def soft_dice(probabilities: Tensor, target: Tensor) -> Tensor:
    """Soft Dice of the whole batch, a scalar: the mean over the channels of two (N, C, H, W)."""
    return dice_of_sums(*dice_sums(probabilities, target))


def dice_sums(probabilities: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Overlap and total of each channel, (C,) both, of two (N, C, H, W)."""
    dims = (0, 2, 3)
    return (probabilities * target).sum(dims), probabilities.sum(dims) + target.sum(dims)


def dice_of_sums(overlap: Tensor, total: Tensor) -> Tensor:
    """Soft Dice, a scalar: the mean over channels of their overlaps and totals, (C,) both."""
    return ((2 * overlap + 1) / (total + 1)).mean()
