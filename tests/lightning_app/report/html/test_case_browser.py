"""The data of the case browser: the crop of the pictures, and the case that it opens with."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightning_app.report.figures.examples import Gallery, gallery
from lightning_app.report.html.case_browser import browsable
from lightning_app.report.load.cohorts import cohorts
from lightning_app.report.load.runs import read_runs
from lightning_app.results.lesion_record import LESION_COLUMNS
from lightning_app.runs.folder import Run
from tests.helpers.runs.toy_results import SLICE, ToyCase, write_csv, write_masks
from tests.helpers.runs.toy_runs import ToyRun, masks

SIDE = 40
CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8), "C-000": (0, 0, 0), "D-000": (9, 9, 8)}
COLUMNS = (
    "case", "patient", "class", *LESION_COLUMNS,
    "first_slice", "last_slice", "first_row", "last_row", "first_column", "last_column",
)  # fmt: skip


def enlarge(run: Run, top: int, left: int, brain: tuple[slice, slice]) -> None:
    """Put the masks of a toy run into a slice of SIDE x SIDE, and give it a grey brain."""

    def placed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        larger = np.zeros((SIDE, SIDE), bool)
        larger[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
        return larger

    cases = [
        ToyCase(name, name[:-4], *(placed(mask) for mask in masks(*sizes)))
        for name, sizes in CASES.items()
    ]
    write_masks(run.test().path, cases)
    stored = dict(np.load(run.test().images))
    image = np.zeros((len(cases), SIDE, SIDE), np.uint8)
    image[1][brain] = 200
    np.savez_compressed(run.test().images, **{**stored, "image": image})


def galleries(root: Path) -> list[Gallery]:
    (group,) = cohorts(read_runs(root)[0])
    found = [gallery(group, modality) for modality in group.modalities]
    return [one for one in found if one is not None]


def pixels(url: str) -> NDArray[Any]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


@pytest.fixture
def grid(tmp_path: Path) -> list[Gallery]:
    """Two modalities: masks from row 8 and column 12 on, brains up to row 29 and column 35."""
    flair, t1c = (ToyRun(CASES, modality=name).write(tmp_path) for name in ("t2f", "t1c"))
    enlarge(flair, 8, 12, (slice(10, 30), slice(20, 25)))
    enlarge(t1c, 8, 12, (slice(10, 20), slice(20, 36)))
    row = ("A-000", "A", "whole", 1, 0.5, "missed", None, None, SLICE, SLICE, 8, 8, 12, 21)
    write_csv(flair.test().lesions, COLUMNS, [row])
    return galleries(tmp_path)


def test_all_pictures_are_cropped_to_the_heads_and_masks_of_all_cases(grid: list[Gallery]) -> None:
    margin = 4
    shown = browsable(grid)

    top, bottom, left, right = 8 - margin, 30 + margin, 12 - margin, 36 + margin
    for found, of in zip(shown, grid, strict=True):
        assert (found["height"], found["width"]) == (bottom - top, right - left)
        for number, case in enumerate(found["cases"]):
            assert pixels(case["image"]).shape == (bottom - top, right - left)
            whole = of.masks[0].reference[number, 0]
            assert (pixels(case["truth"][0]) == whole[top:bottom, left:right]).all()
            assert case["pixels"] == [whole.sum()]


def test_boxes_of_lesions_move_with_the_crop(grid: list[Gallery]) -> None:
    (flair,) = (one for one in browsable(grid) if one["modality"] == "t2f")
    case = flair["cases"][0]
    (mark,) = case["lesions"][0][0]
    left, top, width, height = mark["box"]
    assert pixels(case["truth"][0])[top : top + height, left : left + width].all()
    assert (width, height) == (10, 1)


def test_black_pictures_without_masks_are_shown_whole(tmp_path: Path) -> None:
    run = ToyRun({"A-000": (0, 0, 0)}).write(tmp_path)
    stored = dict(np.load(run.test().images))
    np.savez_compressed(run.test().images, **{**stored, "image": 0 * stored["image"]})
    (shown,) = browsable(galleries(tmp_path))
    assert (shown["height"], shown["width"]) == (16, 16)


@pytest.mark.parametrize(
    ("common", "median"),
    [([30, 10, 20], 2), ([5, 9, 1, 7, 3], 0), ([7], 0), ([0, 8], 0)],
)
def test_it_opens_with_the_case_of_the_median_dice(
    common: list[int], median: int, tmp_path: Path
) -> None:
    cases = {f"P{number}-000": (40, 40, both) for number, both in enumerate(common)}
    ToyRun({**cases, "Q0-000": (0, 0, 0)}).write(tmp_path)  # no tumour: Dice 1, and nothing to see
    (shown,) = browsable(galleries(tmp_path))
    assert shown["median"] == median
