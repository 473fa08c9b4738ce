"""Folders of tiny label maps to evaluate."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_app.cli import main
from tests.helpers.toy import write_volume

Labels = NDArray[np.uint8]


def tumour(start: int = 2, *, enhancing: int = 3, depth: int = 8) -> Labels:
    """A box of 6 x 6 x 6 of oedema around one of 4 x 4 x 4 that enhances, beginning at an x."""
    labels = np.zeros((depth, 12, 16), np.uint8)
    labels[1:7, 2:8, start : start + 6] = 2
    labels[2:6, 3:7, start + 1 : start + 5] = enhancing
    return labels


def write_masks(folder: Path, masks: Mapping[str, Labels], **header: Any) -> Path:
    """Write label maps ``<case>.nii.gz``; a header is that of all."""
    for case, labels in masks.items():
        write_volume(folder / f"{case}.nii.gz", labels, **header)
    return folder


def evaluate(
    masks: Path, reference: Path, output: Path, *options: str
) -> tuple[int, dict[str, Any], list[dict[str, str]]]:
    """The exit code, scores.json and the rows of cases.csv of the command."""
    arguments = ["--input", str(masks), "--reference", str(reference), "--output", str(output)]
    code = main(["evaluate", *arguments, *options])
    if code:
        return code, {}, []
    scores = json.loads((output / "scores.json").read_text("utf-8"))
    return code, scores, rows_of(output / "cases.csv")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
