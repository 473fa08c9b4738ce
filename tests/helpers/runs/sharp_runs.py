"""Toy runs whose masks have something to show: of some size, and in many components."""

from pathlib import Path

import torch

from data_modules.case_volume import read_case
from data_modules.catalog.cases_to_predict import cases_to_predict
from lightning_app import load_run
from lightning_app.runs.folder import Run

SHARE = 0.1  # of the pixels whose probability is above one half
SPREAD = 3  # standard deviation of the logits


def sharpen(run: Run, case: Path) -> None:
    """Change the last layer of a U-Net so that the logits of a case have ``SPREAD`` and ``SHARE``.

    Args:
        run: its best checkpoint is changed.
        case: folder of a case.
    """
    trained = load_run(run.path)
    data = trained.config["data"]
    height, width = data["image_size"]
    (found,) = cases_to_predict(case, trained.modalities, "auto")
    image = torch.from_numpy(read_case(found, trained.modalities, (height, width)).image)
    with torch.no_grad():
        logits = trained.network(image[image.flatten(1).any(dim=1)])
    by_channel = logits.transpose(0, 1).flatten(1)
    scale, middle = SPREAD / by_channel.std(dim=1), by_channel.quantile(1 - SHARE, dim=1)
    checkpoint = torch.load(run.best, weights_only=True)
    weights = checkpoint["state_dict"]
    weights["network.head.weight"] *= scale[:, None, None, None]
    weights["network.head.bias"] = scale * (weights["network.head.bias"] - middle)
    torch.save(checkpoint, run.best)
