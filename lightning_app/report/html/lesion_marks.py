"""Where the lesions that a network missed or invented are in the slice that the page shows."""

from collections.abc import Sequence
from typing import Any

from lightning_app.metrics.volume.lesions import LesionKind
from lightning_app.metrics.volume.masks import Mask, bounding_box
from lightning_app.report.figures.examples import Gallery
from lightning_app.results.lesion_record import RecordedLesion


def lesion_marks(gallery: Gallery, network: int, case: int) -> list[list[dict[str, Any]]]:
    """For each class the boxes around missed and invented lesions, in pixels of the slice.

    Found lesions have no box. A lesion is looked for in the slice's mask within its own box, which
    may hold a part of another lesion too.
    """
    masks, name = gallery.masks[network], gallery.cases[case]
    of_case = [lesion for lesion in gallery.lesions[network] if lesion.case == name]
    marks: list[list[dict[str, Any]]] = []
    for index, target in enumerate(gallery.classes):
        by_kind = {
            LesionKind.MISSED: masks.reference[case, index],
            LesionKind.INVENTED: masks.prediction[case, index],
        }
        lesions = [lesion for lesion in of_case if lesion.target == target]
        marks.append(
            [
                {"kind": str(kind), "box": box}
                for kind, mask in by_kind.items()
                for box in _boxes(lesions, kind, mask, int(masks.slices[case]))
            ]
        )
    return marks


def _boxes(
    lesions: Sequence[RecordedLesion], kind: LesionKind, mask: Mask, slice_index: int
) -> list[list[int]]:
    """Left, top, width and height of the lesions of a kind, as far as they are in a mask (H, W)."""
    boxes = []
    for lesion in lesions:
        depth, rows, columns = lesion.box
        if lesion.kind != kind or not depth.start <= slice_index < depth.stop:
            continue
        inside = mask[rows, columns]
        if inside.any():
            _, y, x = bounding_box(inside[None])
            boxes.append(
                [columns.start + x.start, rows.start + y.start, x.stop - x.start, y.stop - y.start]
            )
    return boxes
