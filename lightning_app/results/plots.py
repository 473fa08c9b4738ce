"""Pictures of slices with their masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callbacks.utils.atomic_write import atomic_write

SOURCE = "brats-lightning"  # in the metadata of pictures, by which predict knows its own
MOST_TILES, TILES_PER_ROW = 32, 8
# Okabe and Ito's colours, which colour-blind readers can distinguish.
COLOURS = ("#E69F00", "#56B4E9", "#D55E00")


@dataclass(frozen=True)
class Example:
    """One slice to draw.

    Attributes:
        title: above the row.
        image: uint8 (H, W).
        reference: bool (classes, H, W), the ground truth.
        prediction: bool (classes, H, W).
    """

    title: str
    image: NDArray[np.uint8]
    reference: NDArray[np.bool_]
    prediction: NDArray[np.bool_]


def to_grey(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Grey values of z-scored intensities: -2.5 is black, 4 is white, 0 outside the brain black.

    A fixed window, so that pictures of different cases can be compared.
    """
    grey: NDArray[np.floating] = (np.clip(image, -2.5, 4) + 2.5) / 6.5 * 255
    grey[image == 0] = 0
    return grey.astype(np.uint8)


def draw_examples(
    path: Path, examples: Sequence[Example], classes: Sequence[str], origin: str
) -> None:
    """Write a PNG with a row for each example: image, ground truth, prediction.

    ``origin`` names the data.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure(figsize=(9, 3.1 * len(examples) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(examples), 3, squeeze=False)
    for row, example in zip(axes, examples, strict=True):
        empty = np.zeros_like(example.reference)
        for axis, masks in zip(row, (empty, example.reference, example.prediction), strict=True):
            axis.imshow(overlay(example.image, masks))
            axis.set_axis_off()
        for axis, word in zip(row, ("image", "ground truth", "prediction"), strict=True):
            axis.text(0.02, 0.98, word, color="white", va="top", transform=axis.transAxes)
        row[0].set_title(example.title, loc="left", fontsize=9, parse_math=False)
    handles = [Patch(color=c, label=n) for c, n in zip(COLOURS, classes, strict=False)]
    figure.suptitle(origin, fontsize=9, x=0.01, ha="left")
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    take_literally(figure)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def draw_batch(
    path: Path,
    images: NDArray[np.floating],
    masks: NDArray[np.bool_],
    titles: Sequence[str],
    classes: Sequence[str],
    origin: str,
) -> None:
    """Write a PNG of a batch as the network sees it, the classes outlined.

    Args:
        path: the file.
        images: (N, channels, H, W); the channels of a slice are drawn side by side.
        masks: (N, classes, H, W).
        titles: one for each slice.
        classes: names of the classes.
        origin: names the data.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    channels = images.shape[1]
    shown = min(len(images), MOST_TILES // channels)
    columns = channels * (TILES_PER_ROW // channels)
    rows = -(-shown * channels // columns)
    figure = Figure(figsize=(2 * columns, 2.2 * rows + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    for tile, axis in enumerate(figure.subplots(rows, columns, squeeze=False).ravel()):
        axis.set_axis_off()
        sample, channel = divmod(tile, channels)
        if sample < shown:
            _outline(axis, to_grey(images[sample, channel]), masks[sample])
        if sample < shown and channel == 0:
            axis.set_title(titles[sample], loc="left", fontsize=6, parse_math=False)
    handles = [Patch(color=c, label=n) for c, n in zip(COLOURS, classes, strict=False)]
    part = f" ({shown} of {len(images)} slices)" if shown < len(images) else ""
    figure.suptitle(f"{origin}{part}", fontsize=9, x=0.01, ha="left")
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    take_literally(figure)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png", metadata={"Source": SOURCE})


def take_literally(figure: Any) -> None:
    """Let no text of a figure be a formula in dollar signs: names come from data and from runs."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)


def _outline(axis: Any, image: NDArray[np.uint8], masks: NDArray[np.bool_]) -> None:
    """Draw an image with an outline around each mask."""
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    for mask, colour in zip(masks, COLOURS, strict=False):
        if mask.any():
            axis.contour(mask, levels=[0.5], colors=colour, linewidths=1)


def overlay(image: NDArray[np.uint8], masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The image in RGB, masks laid over it half transparent, later classes over earlier ones."""
    picture = np.repeat(image[..., None], 3, axis=2).astype(np.float64)
    for mask, colour in zip(masks, COLOURS, strict=False):
        rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        picture[mask] = 0.45 * image[mask][:, None] + 0.55 * np.array(rgb)
    return picture.astype(np.uint8)
