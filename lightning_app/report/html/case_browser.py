"""The data of the page's case browser: small pictures, and the Dice of every network."""

import base64
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.volume.masks import bounding_box
from lightning_app.report.figures.examples import Gallery
from lightning_app.report.html.lesion_marks import lesion_marks
from lightning_app.report.load.display_names import modality_name

_JPEG_QUALITY = 60  # about 5 KB for a slice; as PNG about 20
_MARGIN = 4  # pixels around the head, so that the box around a lesion is not cut off


class _Crop(NamedTuple):
    """The part of all slices that is shown."""

    rows: slice
    columns: slice


def browsable(galleries: Sequence[Gallery]) -> list[dict[str, Any]]:
    """The galleries of a cohort as JSON types, with pictures as data URLs.

    All are cropped to what is not black or has a mask in any case, so that nothing moves when the
    case or the modality changes.
    """
    return [
        _gallery(gallery, _crop([other for other in galleries if _size(other) == _size(gallery)]))
        for gallery in galleries
    ]


def _size(gallery: Gallery) -> tuple[int, ...]:
    return gallery.masks[0].images.shape[1:]


def _crop(galleries: Sequence[Gallery]) -> _Crop:
    """The box around all heads and masks."""
    shown = np.zeros(_size(galleries[0]), bool)
    for masks in (masks for gallery in galleries for masks in gallery.masks):
        shown |= (masks.images > 0).any(axis=0)
        shown |= (masks.reference | masks.prediction).any(axis=(0, 1))
    if not shown.any():
        shown[:] = True
    _, rows, columns = bounding_box(shown[None])
    return _Crop(*(slice(max(0, s.start - _MARGIN), s.stop + _MARGIN) for s in (rows, columns)))


def _gallery(gallery: Gallery, crop: _Crop) -> dict[str, Any]:
    height, width = gallery.masks[0].images[0][crop].shape
    return {
        "modality": gallery.modality,
        "title": modality_name(gallery.modality),
        "classes": list(gallery.classes),
        "networks": [entry.name for entry in gallery.entries],
        "hasLesions": any(gallery.lesions),
        "width": width,
        "height": height,
        "median": gallery.median,
        "cases": [_case(gallery, case, crop) for case in range(len(gallery.cases))],
    }


def _case(gallery: Gallery, case: int, crop: _Crop) -> dict[str, Any]:
    shared = gallery.masks[0]
    lesions = [lesion_marks(gallery, n, case) for n in range(len(gallery.masks))]
    return {
        "case": shared.cases[case],
        "slice": int(shared.slices[case]),
        "image": jpeg(shared.images[case][crop]),
        "pixels": shared.reference[case].sum(axis=(1, 2)).tolist(),
        "truth": [mask_png(mask[crop]) for mask in shared.reference[case]],
        "masks": [[mask_png(m[crop]) for m in masks.prediction[case]] for masks in gallery.masks],
        "lesions": [[_moved(marks, crop) for marks in of_network] for of_network in lesions],
        "dice": [gallery.dice(n, case).round(4).tolist() for n in range(len(gallery.masks))],
    }


def _moved(marks: Sequence[dict[str, Any]], crop: _Crop) -> list[dict[str, Any]]:
    """Boxes of lesions in pixels of the cropped slice."""
    moved = []
    for mark in marks:
        left, top, *size = mark["box"]
        moved.append({**mark, "box": [left - crop.columns.start, top - crop.rows.start, *size]})
    return moved


def jpeg(image: NDArray[np.uint8]) -> str:
    """A data URL of a grey image (H, W)."""
    return _data_url(image, "JPEG", quality=_JPEG_QUALITY, optimize=True)


def mask_png(mask: NDArray[np.bool_]) -> str:
    """A data URL of a mask (H, W), one bit a pixel, exact."""
    return _data_url(mask, "PNG", optimize=True)


def _data_url(pixels: NDArray[Any], kind: str, **options: Any) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
