"""Pictures of a few validation slices, so that progress can be seen in W&B."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray
from torch import Tensor, nn

from callbacks.utils.attention_hooks import attention_maps
from callbacks.wandb_logger import ForgivingWandbLogger


@dataclass(frozen=True)
class Slices:
    """The slices to be shown.

    Attributes:
        captions: a text for each.
        inputs: float (N, channels, H, W), for the network.
        images: uint8 (N, H, W), to look at.
        truth: bool (N, classes, H, W).
        classes: names of the classes; where they overlap, each has an overlay of its own.
        predict: maps the network's outputs to masks, bool (N, classes, H, W).
    """

    captions: Sequence[str]
    inputs: Tensor
    images: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    classes: Sequence[str]
    predict: Callable[[Tensor], Tensor]


class WandbMedia(Callback):
    """Show the same slices again and again: truth, prediction, attention maps.

    The maps are those of all modules of the network that have a method ``attention``. Nothing is
    done without a ForgivingWandbLogger, or before ``slices`` is set.

    Args:
        every_n_epochs: Validated epochs from one time to the next.
        slices: How many slices.
    """

    def __init__(self, every_n_epochs: int = 5, slices: int = 4) -> None:
        for name, value in (("every_n_epochs", every_n_epochs), ("slices", slices)):
            if value < 1:
                raise ValueError(f"{name} is {value}, expected 1 or more")
        self.every_n_epochs = every_n_epochs
        self.slices = slices
        self.choose: Callable[[int], Slices] | None = None
        self._chosen: Slices | None = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show them, where it is time to."""
        due = trainer.current_epoch % self.every_n_epochs == 0
        loggers = [one for one in trainer.loggers if isinstance(one, ForgivingWandbLogger)]
        in_training = trainer.state.fn == "fit" and not trainer.sanity_checking
        if not (due and in_training and loggers and self.choose and trainer.is_global_zero):
            return
        self._chosen = self._chosen or self.choose(self.slices)
        pictures = draw(pl_module, self._chosen)
        for logger in loggers:
            logger.attempt(lambda one: _log(one, pictures, trainer.global_step - 1))


@dataclass(frozen=True)
class Pictures:
    """What is to be shown of each slice: its masks by name, and RGB pictures of its gates."""

    slices: Slices
    prediction: NDArray[np.bool_]
    attention: dict[str, NDArray[np.uint8]]


def draw(network: nn.Module, slices: Slices) -> Pictures:
    """Send the slices through a network that is in evaluation mode."""
    device = next(network.parameters()).device
    with torch.no_grad(), attention_maps(network) as maps:
        outputs = network(slices.inputs.to(device))
    prediction = slices.predict(outputs).cpu().numpy()
    attention = {name: _heat(alpha.float().cpu().numpy()[:, 0]) for name, alpha in maps.items()}
    return Pictures(slices, prediction, attention)


def _heat(weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Weights (N, H, W), 0..1, in colours (N, H, W, 3)."""
    from matplotlib import colormaps

    colours: NDArray[np.uint8] = colormaps["viridis"](weights, bytes=True)[..., :3]
    return colours


def _log(logger: ForgivingWandbLogger, pictures: Pictures, step: int) -> None:
    import wandb

    slices = pictures.slices
    shown: dict[str, list[Any]] = {"val/slices": []}
    for place, caption in enumerate(slices.captions):
        masks = {
            f"{what} {name}": {
                "mask_data": mask[place, index].astype(np.uint8),
                "class_labels": {0: "nothing", 1: name},
            }
            for index, name in enumerate(slices.classes)
            for what, mask in (("truth", slices.truth), ("prediction", pictures.prediction))
        }
        picture = wandb.Image(slices.images[place], masks=masks, caption=caption)
        shown["val/slices"].append(picture)
        for gate, heat in pictures.attention.items():
            name = f"attention/{gate}"
            shown.setdefault(name, []).append(wandb.Image(heat[place], caption=caption))
    logger.experiment.log({**shown, "trainer/global_step": step})
