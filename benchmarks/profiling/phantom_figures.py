"""How large the phantom's tumours are, and how it looks next to a real case.

python -m benchmarks.profiling.phantom_figures --output docs --cases 200
python -m benchmarks.profiling.phantom_figures --output look --cases 20 --real FOLDER_OF_A_CASE
"""

import argparse
import multiprocessing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.progress import track

from data_modules.catalog.cases import find_cases
from data_modules.catalog.releases import MODALITIES
from data_modules.io.volumes import read_modality
from data_modules.phantom import phantom_case

DEPTH = 24
FULL_DEPTH_MM = 155.0


@dataclass(frozen=True)
class TumourSize:
    """Volume of the whole tumour in ml, and its share of the middle slice's pixels."""

    volume: float
    share: float


def measure(seed: int, index: int) -> TumourSize:
    """The size of the tumour of one phantom case."""
    labels = phantom_case(seed, index, DEPTH, modalities=("t2f",)).labels
    voxel = FULL_DEPTH_MM / DEPTH / 1000
    return TumourSize(float((labels > 0).sum() * voxel), float((labels[DEPTH // 2] > 0).mean()))


def draw_sizes(path: Path, sizes: list[TumourSize]) -> None:
    """Draw histograms of volume and share."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    left.hist([size.volume for size in sizes], bins=range(0, 260, 10), color="#56B4E9")
    left.set(xlabel="whole tumour, ml", ylabel="synthetic cases")
    right.hist([100 * size.share for size in sizes], bins=30, color="#E69F00")
    right.set(xlabel="tumour in the middle slice, % of the pixels")
    figure.savefig(path, dpi=100)


def describe(sizes: list[TumourSize]) -> str:
    """The sizes in one line of numbers."""
    volumes = np.array([size.volume for size in sizes])
    shares = np.array([size.share for size in sizes])
    quartiles = " / ".join(f"{value:.0f}" for value in np.percentile(volumes, [25, 50, 75]))
    return (
        f"{len(sizes)} cases: mean {volumes.mean():.1f} ml, deviation {volumes.std():.1f}, "
        f"from {volumes.min():.1f} to {volumes.max():.1f}, quartiles {quartiles}; "
        f"tumour in the middle slice of {100 * (shares > 0).mean():.1f} %, "
        f"there {100 * shares[shares > 0].mean():.2f} % of the pixels"
    )


def draw_comparison(path: Path, real: Path, seed: int, cases: int) -> None:
    """Draw a real case in the first column and phantoms in the others, all four modalities."""
    (case,) = find_cases(real)
    columns = [[_middle(read_modality(case.images[m]).normalised()) for m in MODALITIES]]
    for index in range(cases):
        images = phantom_case(seed, index, 1).images
        columns.append([_z_scored(images[m][0]) for m in MODALITIES])
    figure = Figure(figsize=(2 * len(columns), 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(MODALITIES), len(columns))
    for column, pictures in enumerate(columns):
        for row, picture in enumerate(pictures):
            axes[row, column].imshow(picture, cmap="gray", vmin=-2.5, vmax=4)
            axes[row, column].set_axis_off()
        axes[0, column].set_title("real" if column == 0 else f"phantom {column - 1}", fontsize=9)
    figure.savefig(path, dpi=90)


def _middle(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    picture: NDArray[np.float32] = volume[len(volume) // 2].copy()
    picture[picture == 0] = -2.5
    return picture


def _z_scored(image: NDArray[np.int16]) -> NDArray[np.float32]:
    brain = image > 0
    values = image[brain].astype(np.float32)
    picture = np.full(image.shape, -2.5, np.float32)
    picture[brain] = (values - values.mean()) / values.std()
    return picture


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, help="a real case to compare phantoms with")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool() as pool:
        results = pool.imap(partial(measure, options.seed), range(options.cases))
        sizes = list(track(results, description="Measuring", total=options.cases))
    draw_sizes(options.output / "phantom_sizes.png", sizes)
    print(describe(sizes))
    if options.real:
        draw_comparison(options.output / "phantom_beside_real.png", options.real, options.seed, 5)


if __name__ == "__main__":
    main()
