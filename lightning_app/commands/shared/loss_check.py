"""Whether a loss can teach a network its target, found out on a few pixels before any work."""

import copy
import logging
import warnings

import torch
from torch import Tensor, nn

from data_modules.targets import TARGETS, Target
from lightning_app.utils.errors import UsageError

_log = logging.getLogger(__name__)

_SURE = 8.0  # a logit whose probability is 1 or 0 to three digits
_LABELS = 4  # those of BraTS 2023, with the background
_SIZE = 32  # pixels a side, the smallest of an image


def check_loss(path: str, loss: nn.Module, target: Target) -> None:
    """Check that a loss is lowest at the right masks.

    A loss of torch must be, since torch has many for other kinds of targets. For a loss of users,
    who may have their reasons, it is a warning.

    Args:
        path: of the loss's class, as the config has it.
        loss: maps logits and masks (N, channels, H, W) to a scalar; not changed.
        target: what is segmented.

    Raises:
        UsageError: a loss of torch does not fit the target; names those that do.
    """
    problem = _problem(loss, target)
    if problem is None:
        return
    others = [name for name in TARGETS if _problem(loss, TARGETS[name]) is None]
    hint = f"; it fits data.target {' and '.join(others)}" if others else ""
    instead = "CrossEntropyLoss" if target.exclusive else "BCEWithLogitsLoss"
    line = (
        f"model.loss is '{path}', which {problem} on data.target {target.name}{hint}: use "
        f"lightning_app.losses.DiceCrossEntropy or torch.nn.{instead}"
    )
    if path.startswith("torch."):
        raise UsageError(line)
    _log.warning("warning: %s", line)


def _problem(loss: nn.Module, target: Target) -> str | None:
    """What is wrong with a loss, in words that follow "which"; None if nothing is."""
    labels = torch.arange(_LABELS, dtype=torch.uint8).repeat(2, _SIZE, _SIZE // _LABELS)
    masks = target.encode(labels)
    right = (_SURE * (2 * masks - 1)).requires_grad_()
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings(action="ignore"):
            tried = copy.deepcopy(loss)
            value = tried(right, masks)
            if not isinstance(value, Tensor) or value.ndim > 0:
                return "does not return one number"
            if not value.requires_grad:
                return "has no gradient"
            wrong = [tried(logits, masks) for logits in _mistakes(right.detach(), labels, target)]
    except Exception as error:  # noqa: BLE001 (whatever a loss for another kind of target raises)
        return f"fails ({' '.join(str(error).split())})"
    if all(bool(value < other) for other in wrong):
        return None
    return "is as low for wrong masks as for the right ones"


def _mistakes(right: Tensor, labels: Tensor, target: Target) -> list[Tensor]:
    """Wrong logits; most are right except for one kind of pixel, taken for another."""
    mistakes = [torch.full_like(right, 2 * _SURE)]  # every channel at once
    channels = torch.eye(target.channels, dtype=torch.bool).view(-1, 1, target.channels, 1, 1)
    for channel in channels:
        if target.exclusive:
            mistakes += _of_each_kind(torch.where(channel, _SURE, -_SURE), right, labels)
        else:
            mistakes += _of_each_kind(torch.where(channel, -right, right), right, labels)
    if not target.exclusive:
        mistakes += _of_each_kind(-right, right, labels)
    return [mistake for mistake in mistakes if not mistake.equal(right)]


def _of_each_kind(wrong: Tensor, right: Tensor, labels: Tensor) -> list[Tensor]:
    """Logits that are wrong in the pixels of one label."""
    kinds = [(labels == label).unsqueeze(1) for label in range(_LABELS)]
    return [torch.where(pixels, wrong, right) for pixels in kinds]
