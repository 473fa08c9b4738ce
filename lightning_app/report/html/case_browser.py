"""What the page's case browser is given: small pictures, and Dice of every network."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_app.report.figures.examples import Gallery
from lightning_app.report.load.display_names import modality_name, network_name

_JPEG_QUALITY = 60  # some 5 KB a slice; a PNG of the same has 20


def browsable(gallery: Gallery, title: str) -> dict[str, Any]:
    """A gallery as JSON types; pictures are data URLs."""
    height, width = gallery.masks[0].images.shape[1:]
    modality = modality_name(gallery.modality)
    return {
        "title": f"{modality}, {title}",
        "classes": list(gallery.classes),
        "networks": [network_name(entry.network) for entry in gallery.entries],
        "width": width,
        "height": height,
        "cases": [_case(gallery, case) for case in range(len(gallery.cases))],
    }


def _case(gallery: Gallery, case: int) -> dict[str, Any]:
    shared = gallery.masks[0]
    return {
        "case": shared.cases[case],
        "slice": shared.slices[case],
        "image": jpeg(shared.images[case]),
        "pixels": shared.truth[case].sum(axis=(1, 2)).tolist(),
        "truth": [mask_png(mask) for mask in shared.truth[case]],
        "masks": [[mask_png(m) for m in masks.prediction[case]] for masks in gallery.masks],
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
