"""The validation slices on which an exported model is compared with its run."""

import numpy as np

from data_modules.brats import BraTSDataModule
from data_modules.io.crop_or_pad import crop_or_pad
from data_modules.utils.errors import DataError
from data_modules.window import STEP
from lightning_app.export.runtimes.decoding import Images
from lightning_app.utils.errors import UsageError

SIZES = (1, 2, 5)  # of the batches


def validation_batches(data: BraTSDataModule) -> list[Images]:
    """Batches of ``SIZES`` from slices spread over the validation split.

    If the network gets windows, there is another one of larger windows, for a large brain.

    Raises:
        UsageError: the data cannot be read, or have no validation slice.
    """
    try:
        data.prepare_data()
        data.check_stage("validate")
        dataset = data.datasets["val"]
        spread = np.linspace(0, len(dataset) - 1, sum(SIZES)).round().astype(np.int64)
        parts = np.split(spread, np.cumsum(SIZES)[:-1])
        batches = [dataset.gather(part.tolist())["image"].numpy() for part in parts]
    except DataError as error:
        raise UsageError(
            f"an export is compared with its run on validation slices, but: {error}; name their "
            "folder with --data.root"
        ) from error
    if data.window.size is not None:
        last = batches[-1]
        height, width = (
            min(length + STEP, limit)
            for length, limit in zip(last.shape[2:], data.cache.size, strict=True)
        )
        batches.append(crop_or_pad(last, (height, width)))
    return batches
