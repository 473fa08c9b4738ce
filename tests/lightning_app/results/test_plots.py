"""Pictures of slices."""

from pathlib import Path

import numpy as np
import pytest

from lightning_app.results.plots import Example, draw_batch, draw_examples

IMAGE = np.zeros((8, 8), np.uint8)
MASKS = np.zeros((1, 8, 8), np.bool_)


@pytest.mark.parametrize("name", ["a$b$c", r"$\frac$", "$x"])
def test_a_case_id_is_not_mathematics(name: str, tmp_path: Path) -> None:
    draw_examples(tmp_path / "cases.png", [Example(name, IMAGE, MASKS, MASKS)], ["whole"], "files")
    images = IMAGE[None, None].astype(np.float32)
    draw_batch(tmp_path / "batch.png", images, MASKS[None], [name], ["whole"], "files")

    assert {path.name for path in tmp_path.iterdir()} == {"batch.png", "cases.png"}
