"""The files of a test, written without the product: a bug in its counting or scoring shows.

Every case has one slice, with index 7, of one class, ``whole``, and voxels of 1 mm.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.helpers import plain_loops

SLICE = 7
FEWEST_PATIENTS = 10  # that an interval needs
_SPACING = (1.0, 1.0, 1.0)
_OF_LESIONS = (
    "lesion_dice", "lesion_hd95", "lesions_found", "lesions_missed", "lesions_invented",
)  # fmt: skip
HALF_WIDTH = 0.0625  # of every interval: made up, so that a report can only have read it


@dataclass(frozen=True)
class ToyCase:
    """The masks of a case, bool (H, W) both, and the pixels counted in them."""

    case: str
    patient: str
    reference: NDArray[np.bool_]
    prediction: NDArray[np.bool_]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Pixels that are tp, fp, fn and tn, one by one."""
        pixels = list(zip(self.prediction.flat, self.reference.flat, strict=True))
        kinds = ((True, True), (True, False), (False, True), (False, False))
        tp, fp, fn, tn = (sum((bool(p), bool(r)) == kind for p, r in pixels) for kind in kinds)
        return tp, fp, fn, tn

    @property
    def volume_scores(self) -> dict[str, float | None]:
        """The volume scores of the slice, in 2-D: there are no lesions."""
        tp, fp, fn, tn = self.counts
        true, predicted = (
            plain_loops.contour_elements(plain_loops.voxels_of(mask[None]), _SPACING)
            for mask in (self.reference, self.prediction)
        )
        hd95, _ = plain_loops.hd95_range(true, predicted, _SPACING)
        return {
            "dice": dice(tp, fp, fn, empty=1.0),
            "sensitivity": _ratio(tp, tp + fn),
            "specificity": _ratio(tn, tn + fp),
            "hd95": hd95,
            "hd95_both": hd95 if true and predicted else None,
            "nsd": plain_loops.nsd(true, predicted, _SPACING, tolerance=1.0),
            **dict.fromkeys(_OF_LESIONS),
            "volume_reference_ml": (tp + fn) / 1000,
            "volume_predicted_ml": (tp + fp) / 1000,
            "volume_error": abs(fp - fn) / 1000,
        }


def write_results(folder: Path, facts: dict[str, Any], cases: Sequence[ToyCase]) -> None:
    """Write metrics.json, slices.csv, cases.csv and volumes.csv."""
    counts = [case.counts for case in cases]
    tp, fp, fn, tn = map(sum, zip(*counts, strict=True))
    volumes = [case.volume_scores for case in cases]
    enough = len({case.patient for case in cases}) >= FEWEST_PATIENTS
    content = {
        **facts,
        "accuracy_of_nothing": {"whole": (fp + tn) / (tp + fp + fn + tn)},
        "scores": {"whole": _results(count_scores(counts), enough=enough)},
        "volumes": {"whole": _volume_results(volumes, enough=enough)},
    }
    write_json(folder / "metrics.json", content)
    names = ("tp", "fp", "fn", "tn", "dice")
    units = [(c.case, c.patient, n) for c, n in zip(cases, counts, strict=True)]
    write_csv(
        folder / "slices.csv",
        ("case", "patient", "slice", "class", *names),
        [(*unit, SLICE, "whole", *n, dice(*n[:3], empty=None)) for *unit, n in units],
    )
    write_csv(
        folder / "cases.csv",
        ("case", "patient", "class", *names),
        sorted((*unit, "whole", *n, dice(*n[:3], empty=1.0)) for *unit, n in units),
    )
    write_csv(
        folder / "volumes.csv",
        ("case", "patient", "class", *volumes[0]),
        [
            (c.case, c.patient, "whole", *values.values())
            for c, values in zip(cases, volumes, strict=True)
        ],
    )


def count_scores(counts: Sequence[tuple[int, int, int, int]]) -> dict[str, float | None]:
    """Every count score of units with one slice each, from their tp, fp, fn and tn."""
    tp, fp, fn, tn = map(sum, zip(*counts, strict=True))
    either = [(t, p, n) for t, p, n, _ in counts if t + p + n]
    return {
        "dice": _ratio(2 * tp, 2 * tp + fp + fn),
        "iou": _ratio(tp, tp + fp + fn),
        "miou": _mean([t / (t + p + n) for t, p, n in either]),
        "accuracy": _ratio(tp + tn, tp + fp + fn + tn),
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "dice_case": _mean([dice(t, p, n, empty=1.0) or 0 for t, p, n, _ in counts]),
        "dice_case_tumour": _mean([2 * t / (2 * t + p + n) for t, p, n in either if t + n]),
        "empty_right": _mean([float(p == 0) for t, p, n, _ in counts if t + n == 0]),
        "dice_slice": _mean([2 * t / (2 * t + p + n) for t, p, n in either]),
        "miou_empty0": _mean([t / (t + p + n) if t + p + n else 0 for t, p, n, _ in counts]),
        "miou_empty1": _mean([t / (t + p + n) if t + p + n else 1 for t, p, n, _ in counts]),
    }


def dice(tp: int, fp: int, fn: int, *, empty: float | None) -> float | None:
    """Dice, or ``empty`` if both masks are."""
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else empty


def write_masks(folder: Path, cases: Sequence[ToyCase]) -> None:
    """Write masks.npz and images.npz, with a grey gradient for every image."""
    height, width = cases[0].reference.shape
    names, slices = np.array([case.case for case in cases]), np.full(len(cases), SLICE)
    grey = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    np.savez_compressed(
        folder / "masks.npz",
        case=names,
        slice=slices,
        width=np.array(width),
        truth=_bits([case.reference for case in cases]),
        prediction=_bits([case.prediction for case in cases]),
    )
    np.savez_compressed(
        folder / "images.npz", case=names, slice=slices, image=np.stack([grey] * len(cases))
    )


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a record of the present format."""
    path.write_text(json.dumps({"format": 1, **content}, indent=2), "utf-8")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table; None becomes an empty cell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def _results(values: dict[str, float | None], *, enough: bool) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name, value in values.items():
        results[name] = {"value": value, "low": None, "high": None}
        if enough and value is not None:
            results[name] |= {"low": value - HALF_WIDTH, "high": value + HALF_WIDTH}
    return results


def _volume_results(volumes: Sequence[dict[str, float | None]], *, enough: bool) -> dict[str, Any]:
    defined = {
        name: [values[name] for values in volumes if values[name] is not None]
        for name in volumes[0]
    }
    means = {name: _mean(values) for name, values in defined.items()}
    results = _results(means, enough=enough)
    return {name: {**results[name], "n": len(values)} for name, values in defined.items()}


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def _mean(values: Sequence[float | None]) -> float | None:
    return sum(value or 0 for value in values) / len(values) if values else None


def _bits(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """Eight pixels a byte along the rows, uint8 (cases, 1, H, bytes)."""
    return np.packbits(np.stack(masks)[:, None], axis=-1)
