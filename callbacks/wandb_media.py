"""Images of a few validation slices, which show the progress of a training in W&B."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.plugins.precision import Precision
from numpy.typing import NDArray
from torch import Tensor, nn

from callbacks.network.attention_hooks import attention_maps
from callbacks.network.compiled import uncompiled
from callbacks.wandb_logger import ForgivingWandbLogger, forgiving_loggers


@dataclass(frozen=True)
class Slices:
    """The slices to show.

    Attributes:
        captions: one text per slice.
        inputs: float (N, channels, H, W), the network's input.
        images: uint8 (N, H, W), shown under the masks.
        reference: bool (N, classes, H, W), the ground truth.
        classes: names of the classes, each of which is a separate overlay.
        predict: maps the network's output to masks, bool (N, classes, H, W).
    """

    captions: Sequence[str]
    inputs: Tensor
    images: NDArray[np.uint8]
    reference: NDArray[np.bool_]
    classes: Sequence[str]
    predict: Callable[[Tensor], Tensor]


class WandbMedia(Callback):
    """Log the same slices at regular intervals: ground truth, prediction and attention maps.

    Attention maps come from all modules of the network that have a method ``attention``. Nothing is
    logged without a ForgivingWandbLogger, or while ``choose`` is None.

    Args:
        every_n_epochs: Log after every n-th epoch, if it has a validation.
        slices: Number of slices.

    Attributes:
        choose: returns a given number of slices.
    """

    def __init__(self, every_n_epochs: int = 5, slices: int = 4) -> None:
        for name, value in (("every_n_epochs", every_n_epochs), ("slices", slices)):
            if value < 1:
                raise ValueError(f"{name} is {value}, expected 1 or more")
        self.every_n_epochs = every_n_epochs
        self.slices = slices
        self.choose: Callable[[int], Slices] | None = None
        self._chosen: Slices | None = None

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: object,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Log the slices before the first batch, if it is time to.

        Averaged weights are only in place while batches are validated.
        """
        if batch_idx == dataloader_idx == 0:
            self._log_if_due(trainer, pl_module)

    def _log_if_due(self, trainer: Trainer, pl_module: LightningModule) -> None:
        due = trainer.current_epoch % self.every_n_epochs == 0
        loggers = forgiving_loggers(trainer)
        in_training = trainer.state.fn == "fit" and not trainer.sanity_checking
        if not (due and in_training and loggers and self.choose and trainer.is_global_zero):
            return
        self._chosen = self._chosen or self.choose(self.slices)
        results = run_network(pl_module, self._chosen, trainer.precision_plugin)
        for wandb_logger in loggers:
            wandb_logger.attempt(lambda logger: _log(logger, results, trainer.global_step - 1))


@dataclass(frozen=True)
class Results:
    """The output of a network for some slices.

    Attributes:
        slices: the network's input.
        prediction: bool (N, classes, H, W).
        attention: by name of a gate, RGB images (N, H, W, 3) of its weights.
    """

    slices: Slices
    prediction: NDArray[np.bool_]
    attention: dict[str, NDArray[np.uint8]]


def run_network(network: nn.Module, slices: Slices, precision: Precision) -> Results:
    """Run a network, which must be in evaluation mode, on the slices."""
    inputs = precision.convert_input(slices.inputs.to(next(network.parameters()).device))
    with (
        torch.no_grad(),
        precision.forward_context(),
        uncompiled(network),
        attention_maps(network) as maps,
    ):
        outputs = network(inputs)
    prediction = slices.predict(outputs).cpu().numpy()
    attention = {name: _colour(alpha.float().cpu().numpy()[:, 0]) for name, alpha in maps.items()}
    return Results(slices, prediction, attention)


def _colour(weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Map weights (N, H, W) in 0..1 to RGB (N, H, W, 3)."""
    from matplotlib import colormaps

    colours: NDArray[np.uint8] = colormaps["viridis"](weights, bytes=True)[..., :3]
    return colours


def _log(logger: ForgivingWandbLogger, results: Results, step: int) -> None:
    import wandb

    slices = results.slices
    logged: dict[str, list[Any]] = {"val/slices": []}
    for index, caption in enumerate(slices.captions):
        masks = {
            f"{kind} {class_name}": {
                "mask_data": mask[index, channel].astype(np.uint8),
                "class_labels": {0: "nothing", 1: class_name},
            }
            for channel, class_name in enumerate(slices.classes)
            for kind, mask in (("truth", slices.reference), ("prediction", results.prediction))
        }
        image = wandb.Image(slices.images[index], masks=masks, caption=caption)
        logged["val/slices"].append(image)
        for gate, colours in results.attention.items():
            attention = wandb.Image(colours[index], caption=caption)
            logged.setdefault(f"attention/{gate}", []).append(attention)
    logger.experiment.log({**logged, "trainer/global_step": step})
