"""The data of the page's case browser: small pictures, and the Dice of every network."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_app.report.figures.examples import Gallery
from lightning_app.report.html.lesion_marks import lesion_marks
from lightning_app.report.load.display_names import modality_name

_JPEG_QUALITY = 60  # about 5 KB for a slice; as PNG about 20


def browsable(gallery: Gallery, title: str) -> dict[str, Any]:
    """A gallery as JSON types, with pictures as data URLs."""
    height, width = gallery.masks[0].images.shape[1:]
    modality = modality_name(gallery.modality)
    return {
        "title": f"{modality}, {title}",
        "classes": list(gallery.classes),
        "networks": [entry.name for entry in gallery.entries],
        "hasLesions": any(gallery.lesions),
        "width": width,
        "height": height,
        "cases": [_case(gallery, case) for case in range(len(gallery.cases))],
    }


def _case(gallery: Gallery, case: int) -> dict[str, Any]:
    shared = gallery.masks[0]
    return {
        "case": shared.cases[case],
        "slice": int(shared.slices[case]),
        "image": jpeg(shared.images[case]),
        "pixels": shared.reference[case].sum(axis=(1, 2)).tolist(),
        "truth": [mask_png(mask) for mask in shared.reference[case]],
        "masks": [[mask_png(m) for m in masks.prediction[case]] for masks in gallery.masks],
        "lesions": [lesion_marks(gallery, n, case) for n in range(len(gallery.masks))],
        "dice": [gallery.dice(n, case).round(4).tolist() for n in range(len(gallery.masks))],
    }


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
